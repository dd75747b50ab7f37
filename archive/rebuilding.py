"""Rebuilding rows from what lies in storage: manifests, then segments of what was told, then tombstones.

Everything here can be done twice: what the database knows already, and better, stays.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import database, events, manifest_rows, objects, tables, tombstones
from archive.manifests import Manifest
from archive.segment_files import Line
from orchestration.events import Unreadable, parse

_workflows = tables.workflows.c
_files = tables.rebuilt_files.c

LOCK = 0x72656275  # "rebu"


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Be the only one who rebuilds this database, until the block ends or we die; False if somebody else is."""
    # Of the session and not of a transaction, which would have to be open all the time.
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        is_ours = (await connection.execute(select(func.pg_try_advisory_lock(LOCK)))).scalar_one()
        try:
            yield is_ours
        finally:
            if is_ours:
                await connection.execute(select(func.pg_advisory_unlock(LOCK)))


async def is_empty(connection: AsyncConnection) -> bool:
    """Whether nothing is known yet, or only what a rebuild that was broken off has taken in."""
    if await is_under_way(connection):
        return True
    filled = or_(
        *(exists().select_from(table) for table in (tables.workflows, tables.events, tables.quarantine, tables.objects))
    )
    return not (await connection.execute(select(filled))).scalar_one()


async def is_under_way(connection: AsyncConnection) -> bool:
    """Whether a rebuild has taken in files and not come to its end, be it that it was broken off."""
    return (await connection.execute(select(exists().select_from(tables.rebuilt_files)))).scalar_one()


async def unread(connection: AsyncConnection, names: Sequence[str]) -> Sequence[str]:
    """Those of these files that have not been taken in yet."""
    known = set((await connection.execute(select(_files.name).where(_files.name.in_(names)))).scalars())
    return [name for name in names if name not in known]


async def take_in_manifests(connection: AsyncConnection, manifests: Mapping[str, Manifest]) -> None:
    """Make rows of these manifests, by the names of their files, which have been taken in then."""
    await manifest_rows.add(connection, manifests.values())
    await _note(connection, manifests)


async def take_in_segment(connection: AsyncConnection, name: str, lines: Sequence[Line]) -> None:
    """Make rows of a segment's lines. What is archived, gone or dead does not become due for it."""
    deliveries, unread_lines = [], []
    for line in lines:
        try:
            event = parse(line.body) if line.reason is None else None
        except Unreadable as unreadable:
            unread_lines.append((line, unreadable.reason))
            continue
        if event is None:
            unread_lines.append((line, line.reason or ""))
        else:
            deliveries.append(
                (
                    events.Delivery(
                        event, line.source, line.parameters, line.body, line.first_received_at, line.digest
                    ),
                    line,
                )
            )
    for start in range(0, len(deliveries), EVENTS_AT_ONCE):
        await _take_in_events(connection, name, deliveries[start : start + EVENTS_AT_ONCE])
    if unread_lines:
        row = insert(tables.quarantine).values(segment=name).on_conflict_do_nothing()
        await connection.execute(row, [_unread_row(line, reason) for line, reason in unread_lines])
    await _note(connection, [name])


async def take_in_tombstones(
    connection: AsyncConnection, name: str, rows: Iterable[Mapping[str, Any]], *, sparing: bool
) -> None:
    """Make rows of a document of tombstones; `sparing` as `tombstones.restore` has it."""
    await tombstones.restore(connection, rows, sparing=sparing)
    await _note(connection, [name])


async def finish(connection: AsyncConnection, *, sparing: bool) -> None:
    """All files have been taken in: what was deleted goes again, what was read after all leaves quarantine.

    `sparing` as `tombstones.heed` has it.
    """
    await tombstones.heed(connection, sparing=sparing)
    deleted = exists().where(
        tables.tombstones.c.digest == tables.objects.c.digest, tables.tombstones.c.what == "object"
    )
    unneeded = tables.objects.c.deleting_at.is_not(None) & ~objects.is_needed(tables.objects.c.digest)
    await connection.execute(tables.objects.delete().where(deleted, unneeded))
    recorded = tables.quarantine.c.digest == tables.events.c.digest
    await connection.execute(tables.quarantine.delete().where(recorded))
    await connection.execute(tables.rebuilt_files.delete())


EVENTS_AT_ONCE = 500

_line = database.given(
    tables.events.c.workflow_id,
    tables.events.c.digest,
    tables.events.c.first_received_at,
    tables.events.c.last_received_at,
    tables.events.c.deliveries,
)
_events = tables.events.c
_COUNT = (
    update(tables.events)
    .where(_events.workflow_id == _line.c.workflow_id, _events.digest == _line.c.digest)
    .values(
        segment=bindparam("read_from"),
        last_received_at=func.greatest(_events.last_received_at, _line.c.last_received_at),
        # Recording it has counted one delivery that there was not.
        deliveries=func.greatest(_events.deliveries - 1, _line.c.deliveries),
    )
)


async def _take_in_events(connection: AsyncConnection, name: str, told: Sequence[tuple[events.Delivery, Line]]) -> None:
    recorded = await events.record(connection, [delivery for delivery, _ in told])
    rows = [
        {
            "workflow_id": delivery.event.workflow_id,
            "digest": line.digest,
            "last_received_at": line.last_received_at,
            "deliveries": line.deliveries,
        }
        for delivery, line in told
    ]
    await connection.execute(_COUNT, {"rows": rows, "read_from": name})
    held = _workflows.leased_until > func.now()
    settled = update(tables.workflows).where(
        _workflows.id.in_(recorded.due), manifest_rows.nothing_is_owed(), ~func.coalesce(held, False)
    )
    await connection.execute(settled.values(due_at=None))


def _unread_row(line: Line, reason: str) -> dict[str, object]:
    names = ("digest", "source", "parameters", "body", "first_received_at", "last_received_at", "deliveries")
    return {"reason": reason} | {name: getattr(line, name) for name in names}


async def _note(connection: AsyncConnection, names: Iterable[str]) -> None:
    """These files have been taken in."""
    row = insert(tables.rebuilt_files).values(read_at=func.now()).on_conflict_do_nothing()
    await connection.execute(row, [{"name": name} for name in names])
