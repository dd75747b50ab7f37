"""Manifests: one self-describing JSON document in storage for each workflow, enough to find its results without us.

For people and other programs it says what became of each result, beside the document as Civitai gave it. For a
rebuild it repeats the rows, as they are in the tables, but for what concerns only the work on them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, RowMapping, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import results, tables, workflows
from archive.spelling import camel
from orchestration.wire import JsonObject

FORMAT = "civitai-archive/manifest/2"
MEDIA_TYPE = "application/json"
FOLDER = "workflows"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

OBLIGATIONS = ("due_at", "leased_until", "last_event_id")
"""Columns of `workflows` that no manifest repeats: what is owed is found anew."""

REPEATED = ("steps", "jobs", "results", "objects", "drift")
"""Tables, beside `workflows`, of which a manifest repeats the rows."""

_ROWS = text(
    """
    SELECT id, now(), archived_at, CAST(to_jsonb(workflows) - CAST(:left_out AS text[]) AS text),
        (SELECT string_agg(CAST(to_jsonb(steps) AS text), E',\\n' ORDER BY position, name)
         FROM steps WHERE workflow_id = workflows.id),
        (SELECT string_agg(CAST(to_jsonb(jobs) AS text), E',\\n' ORDER BY id)
         FROM jobs WHERE workflow_id = workflows.id),
        (SELECT string_agg(CAST(to_jsonb(results) - 'id' AS text), E',\\n' ORDER BY id)
         FROM results WHERE workflow_id = workflows.id),
        (SELECT string_agg(CAST(to_jsonb(objects) AS text), E',\\n' ORDER BY digest)
         FROM objects WHERE digest IN (SELECT object_digest FROM results WHERE workflow_id = workflows.id)),
        (SELECT string_agg(CAST(to_jsonb(drift) AS text), E',\\n' ORDER BY step, path)
         FROM drift WHERE workflow_id = workflows.id)
    FROM workflows WHERE id = ANY (:ids)
    """
).bindparams(bindparam("ids", type_=ARRAY(Text)), bindparam("left_out", type_=ARRAY(Text)))


_OUTCOMES = text(
    """
    SELECT result.step, result.path, CAST(result.object_digest AS text) AS object_digest,
           result.withheld_at, result.gone_at, result.dead_at
    FROM workflows LEFT JOIN results AS result ON result.workflow_id = workflows.id AND result.pruned_at IS NULL
    WHERE workflows.id = :id AND archived_at IS NOT NULL AND num_nonnulls(due_at, leased_until) = 0
    """
)


class Unreadable(ValueError):
    """The content is no manifest, or none of a format that we read."""


@dataclass(frozen=True)
class Rows:
    """What a manifest repeats of the tables, as they were `at` a moment, in JSON as PostgreSQL writes it.

    workflow: an object, without `archived_at`, which is told apart. others: by table, objects between commas, None for
    none.
    """

    at: datetime
    archived_at: datetime | None
    workflow: str
    others: Mapping[str, str | None]


@dataclass(frozen=True)
class Manifest:
    """A manifest as a rebuild reads it: the document, verbatim, and rows by table; `workflow` is one row."""

    workflow_id: str
    document: JsonObject | None
    rows: Mapping[str, Any]


def name(workflow_id: str, created_at: datetime) -> str:
    """Where a workflow's manifest lies: under its day, recognisable, and unique whatever the id is made of."""
    slug = _UNSAFE.sub("-", workflow_id).strip(".-")[:80] or "workflow"
    digest = hashlib.sha256(workflow_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{FOLDER}/{created_at:%Y/%m/%d}/{slug}-{digest}.json"


async def expected(connection: AsyncConnection, *, after: str, limit: int) -> Mapping[str, str]:
    """The next archived workflows by id, and under which names their manifests must lie."""
    table = tables.workflows.c
    query = select(table.id, func.coalesce(table.created_at, table.heard_at))
    query = query.where(table.archived_at.is_not(None), table.id > after).order_by(table.id).limit(limit)
    return {workflow_id: name(workflow_id, since) for workflow_id, since in await connection.execute(query)}


async def rows(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Rows]:
    """What the manifests of these workflows repeat of the tables, by id."""
    left_out = ["document", "archived_at", *OBLIGATIONS]
    found = await connection.execute(_ROWS, {"ids": workflow_ids, "left_out": left_out})
    return {
        workflow_id: Rows(at, archived_at, workflow, dict(zip(REPEATED, others, strict=True)))
        for workflow_id, at, archived_at, workflow, *others in found
    }


async def is_stale(connection: AsyncConnection, manifest: Manifest) -> bool:
    """Whether the rows of an archived workflow say otherwise how it has ended; False while something is owed to it.

    What was pruned does not count: no manifest tells of that.
    """
    outcomes = (await connection.execute(_OUTCOMES, {"id": manifest.workflow_id})).mappings().all()
    told = {(row["step"], row["path"]): row for row in manifest.rows["results"]}
    if not outcomes:
        return False
    return not manifest.rows["workflow"].get("archived_at") or any(
        _outcome(told.get((row["step"], row["path"]), {})) != _outcome(row)
        for row in outcomes
        if row["path"] is not None
    )


def build(
    workflow_id: str,
    workflow: workflows.Kept,
    kept: Sequence[results.Kept],
    rows: Rows,
    *,
    archived_at: datetime | None = None,
) -> bytes:
    """The manifest's bytes: the document as Civitai gave it, for each result what became of it, and the rows.

    The workflow's row says that it was archived when it says so itself, else at `archived_at`.
    """
    manifest = {
        "format": FORMAT,
        "workflowId": workflow_id,
        "results": [_told(result) for result in kept],
        "told": workflow.told,
        "document": workflow.document,
    }
    # A line for each value, for people and `diff`; indented, it would take Python five times as long.
    told = json.dumps(manifest, separators=(",\n", ": "))
    return f'{told[:-1]},\n"rows": {_repeated(rows, archived_at)}}}\n'.encode()


def read(content: bytes) -> Manifest:
    """The counterpart of `build`. Raises Unreadable."""
    try:
        told = json.loads(content)
        if told["format"] != FORMAT:
            raise Unreadable(f"its format is {str(told['format'])[:60]!r}, and {FORMAT} is what we read")
        lists = {table: told["rows"][table] for table in REPEATED}
        workflow, document = told["rows"]["workflow"], told["document"]
        shapes_hold = (
            workflow["id"] == told["workflowId"]
            and isinstance(document, dict | None)
            and all(isinstance(row, dict) for table in lists.values() for row in table)
        )
    except Unreadable:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(f"it is not a manifest ({type(error).__name__})") from None
    if not shapes_hold:
        raise Unreadable("it is not a manifest that we have written")
    return Manifest(told["workflowId"], document, {"workflow": workflow, **lists})


def _repeated(rows: Rows, archived_at: datetime | None) -> str:
    """The rows, a line for each, put together as text: they are JSON already, and most of a manifest."""
    since = rows.archived_at or archived_at
    workflow = f'{rows.workflow[:-1]}, "archived_at": {json.dumps(since and since.isoformat())}}}'
    tables = [f'"{table}": [{others or ""}]' for table, others in rows.others.items()]
    return "{" + ",\n".join([f'"at": "{rows.at.isoformat()}"', f'"workflow": {workflow}', *tables]) + "}"


_TOLD = {field.name: camel(field.name) for field in fields(results.Kept) if field.name != "next_attempt_at"}


def _told(result: results.Kept) -> JsonObject:
    facts = vars(result)
    return {
        told: value.isoformat() if isinstance(value, datetime) else value
        for name, told in _TOLD.items()
        if (value := facts[name]) is not None
    }


def _outcome(row: Mapping[str, Any] | RowMapping) -> tuple[object, ...]:
    """The digest of a result's object, and in which other way it has settled."""
    return (row.get("object_digest"), *(row.get(name) is not None for name in ("withheld_at", "gone_at", "dead_at")))
