"""What a query takes, and what of the tables it touches, as PostgreSQL itself says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """One query that was run: its time with planning, the rows that its scans gave or threw away, and how it scans."""

    what: str
    ms: float
    rows_read: int
    plan: str


async def explain(connection: "asyncpg.Connection[Any]", what: str, sql: str) -> Plan:
    """Run the query, and tell how that went."""
    (told,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"))
    scans = list(_scans(told["Plan"]))
    rows = sum(_rows(scan) for scan in scans)
    return Plan(
        what, told["Planning Time"] + told["Execution Time"], rows, ", ".join(dict.fromkeys(map(_named, scans)))
    )


def _scans(node: JsonObject) -> Iterator[JsonObject]:
    if "Relation Name" in node or "Index Name" in node:
        yield node
    for below in node.get("Plans", []):
        yield from _scans(below)


def _rows(scan: JsonObject) -> int:
    removed = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return round((scan["Actual Rows"] + removed) * scan["Actual Loops"]) if "Relation Name" in scan else 0


def _named(scan: JsonObject) -> str:
    of = scan.get("Index Name") or scan["Relation Name"]
    return f"{scan['Node Type']} {of}"
