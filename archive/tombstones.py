"""Tombstones: what was deleted, when, and by which rule. A row for each thing, and a line in storage.

Rows come first, in the transaction that deletes. The lines follow in documents that are written once
(`tombstones/2026/11/22/…jsonl`), before any bytes leave storage: a rebuild finds there what must not come back.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, null, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from archive.objects import is_needed
from archive.spelling import camel

FOLDER = "tombstones"
MEDIA_TYPE = "application/jsonl"
LINES_AT_MOST = 10_000

_tombstones = tables.tombstones.c
_results = tables.results.c
_PLACE = ("workflow_id", "step", "path")
_TOLD = ("id", "deleted_at", "rule", "what", "workflow_id", "step", "path", "digest", "size", "media_type", "segment")


class Unreadable(ValueError):
    """The line is not one that we write."""


@dataclass(frozen=True)
class Document:
    """Tombstones on their way to storage: its name there, its content, and their ids."""

    name: str
    content: bytes
    ids: Sequence[uuid.UUID]


async def add(connection: AsyncConnection, rule: str, what: str, facts: Sequence[Mapping[str, Any]]) -> None:
    """Say that these have been deleted, by this transaction. `facts`: workflow_id, step, path, digest, size, …"""
    if facts:
        row = insert(tables.tombstones).values(deleted_at=func.now(), rule=rule, what=what)
        await connection.execute(row, [dict(each) for each in facts])


async def unwritten(connection: AsyncConnection) -> Document | None:
    """The oldest that are not in storage yet, as a document; None if all are."""
    query = select(*(_tombstones[name] for name in _TOLD)).where(_tombstones.written_at.is_(None))
    query = query.order_by(_tombstones.deleted_at).limit(LINES_AT_MOST)
    rows = (await connection.execute(query)).mappings().all()
    if not rows:
        return None
    last = rows[-1]["deleted_at"]
    name = f"{FOLDER}/{last:%Y/%m/%d}/{last:%H%M%S}-{uuid.uuid4().hex[:12]}.jsonl"
    return Document(name, b"".join(_line(row) for row in rows), [row["id"] for row in rows])


async def wrote(connection: AsyncConnection, document: Document) -> None:
    """The document is durable in storage."""
    await change(connection, _tombstones.id.in_(document.ids), written_at=func.now())


async def change(connection: AsyncConnection, which: ColumnElement[bool], **facts: Any) -> None:
    """Say this of some tombstones. They are locked in one order: others may be about to say it of the same."""
    await connection.execute(select(_tombstones.id).where(which).order_by(_tombstones.id).with_for_update())
    await connection.execute(update(tables.tombstones).where(which).values(**facts))


def read(line: bytes) -> dict[str, Any]:
    """A line of a document as a row. Raises Unreadable."""
    try:
        told = json.loads(line)
        row = {name: told.get(camel(name)) for name in _TOLD}
        row["id"] = uuid.UUID(row["id"])
        row["deleted_at"] = datetime.fromisoformat(row["deleted_at"])
        row["digest"] = None if row["digest"] is None else bytes.fromhex(row["digest"])
        return row
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"not a line of tombstones: {type(error).__name__}") from None


async def restore(connection: AsyncConnection, rows: Iterable[Mapping[str, Any]], *, sparing: bool = False) -> None:
    """Put back rows that were `read`; those that are there already stay as they are.

    What lies in storage of these objects is deleted again, if it is still or again there and nobody needs it; `sparing`
    says that we cannot know who does, and then it stays.
    """
    again = postgresql.insert(tables.tombstones).values(written_at=func.now()).on_conflict_do_nothing()
    told = [dict(row) for row in rows]
    objects = [row for row in told if row["what"] == "object"] if sparing else []
    if objects:
        await connection.execute(again.values(removed_at=func.now()), objects)
    if told := [row for row in told if row not in objects]:
        await connection.execute(again, told)


async def heed(connection: AsyncConnection, *, sparing: bool = False) -> None:
    """Delete again what a rebuild has brought back: a tombstone holds against all that was there before it.

    Objects that no result needs now go with those that were pruned; `sparing` lets go of those alone that were deleted
    themselves, since a result that could not be brought back may need the others.
    """
    there = and_(_tombstones.what == "result", *(_results[name] == _tombstones[name] for name in _PLACE))
    pruned = update(tables.results).where(there, _results.stored_at <= _tombstones.deleted_at)
    pruned = pruned.where(_results.pruned_at.is_(None))
    await connection.execute(pruned.values(pruned_at=_tombstones.deleted_at, object_digest=null()))
    objects = tables.objects.c
    of_pruned = select(_tombstones.digest).where(_tombstones.what == ("object" if sparing else "result"))
    unneeded = update(tables.objects).where(objects.digest.in_(of_pruned), ~is_needed(objects.digest))
    await connection.execute(unneeded.values(deleting_at=func.coalesce(objects.deleting_at, func.now())))
    for table, what in ((tables.events, "event"), (tables.quarantine, "quarantine")):
        same = and_(_tombstones.what == what, table.c.digest == _tombstones.digest)
        if what == "event":
            same &= table.c.workflow_id == _tombstones.workflow_id
        await connection.execute(delete(table).where(same, table.c.last_received_at <= _tombstones.deleted_at))


def _line(row: Mapping[Any, Any]) -> bytes:
    told = {camel(name): _plain(row[name]) for name in _TOLD if row[name] is not None}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> object:
    match value:
        case uuid.UUID():
            return str(value)
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case _:
            return value
