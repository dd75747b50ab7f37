"""Every row that must outlive the database, as JSON, for one dump to be held against another."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "workflows": ("attempts", "counted_at", "due_at", "failures", "last_error", "last_event_id", "leased_until"),
    "steps": (),
    "jobs": (),
    "results": ("id",),
    "objects": ("verified_at",),
    "drift": (),
    "events": ("id", "segment"),
    "quarantine": ("id", "segment"),
    "tombstones": ("aside_at", "removed_at", "written_at"),
}
"""The tables that a rebuild brings back, and of each what it does not: numbers of rows, and what concerns only the
work on them. docs/decisions says why."""

Dump = Mapping[str, Counter[str]]


async def dump(engine: AsyncEngine) -> Dump:
    """Each table's rows, with how often each is there."""
    rows: dict[str, Counter[str]] = {}
    async with engine.connect() as connection:
        for table, left_out in LEFT_OUT.items():
            query = text(f"SELECT CAST(to_jsonb({table}) - :left_out AS text) FROM {table}")  # noqa: S608
            query = query.bindparams(bindparam("left_out", type_=ARRAY(Text)))
            rows[table] = Counter((await connection.execute(query, {"left_out": list(left_out)})).scalars())
    return rows


def differing(before: Dump, after: Dump) -> list[str]:
    """Every row that only one of them has, with its table."""
    found: list[str] = []
    for table in LEFT_OUT:
        found += [f"{table}: only before: {row}" for row in (before[table] - after[table]).elements()]
        found += [f"{table}: only after: {row}" for row in (after[table] - before[table]).elements()]
    return found
