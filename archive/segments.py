"""Segments: what was told, on its way from the tables to storage, each row in exactly one file.

A segment is a range of ids, chosen once and for all in a row of its own; the file is written afterwards, and as often
as it takes. Ranges follow one another without a gap. Ids become visible out of order, so a range ends no later than
the last id below which nobody is still writing: `settled_id` gives that without holding up anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import RowMapping, Table, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import segment_files, tables

Told = Literal["events", "quarantine"]

ROWS_AT_MOST = 10_000
BYTES_AT_MOST = 16 << 20
"""Of bodies in one segment, so that writing it takes little memory."""

_TABLES: dict[Told, Table] = {"events": tables.events, "quarantine": tables.quarantine}
_segments = tables.segments.c


@dataclass(frozen=True)
class Segment:
    """A range of ids, and the name in storage of the file that holds its rows."""

    told: Told
    after_id: int
    up_to_id: int
    name: str


@dataclass(frozen=True)
class Horizon:
    """An id that was given out, and the transactions that may have taken it or a smaller one and not ended yet."""

    last_id: int
    writers: frozenset[str]


async def horizon(connection: AsyncConnection, told: Told) -> Horizon:
    """The last id of the table that has been given out, and who is writing to the table now.

    Whoever was given an id by then had locked the table before, as every INSERT does, and is either listed or has
    ended. So when all who are listed have ended, every id up to this one is visible or will never be.
    """
    sequence = (await connection.execute(select(func.pg_get_serial_sequence(told, "id")))).scalar_one()
    query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}")  # noqa: S608
    last_id: int = (await connection.execute(query)).scalar_one()
    return Horizon(last_id, await _writers(connection, told))


async def is_settled(connection: AsyncConnection, told: Told, seen: Horizon) -> bool:
    """Whether all who were writing then have ended."""
    return not seen.writers & await _writers(connection, told)


async def choose(
    connection: AsyncConnection, told: Told, seen: Horizon, *, waited: timedelta, enough: int
) -> Segment | None:
    """Begin the next segment, up to a settled horizon, if its rows have waited for long enough or are enough.

    None if not, or if somebody else has begun it at this moment. What a rebuild has read from storage is passed over.
    """
    table = _TABLES[told].c
    after = select(func.coalesce(func.max(_segments.up_to_id), 0)).where(_segments.told == told)
    after_id: int = (await connection.execute(after)).scalar_one()
    waiting = (
        select(
            table.id,
            table.first_received_at,
            func.sum(func.octet_length(table.body)).over(order_by=table.id).label("bytes"),
        )
        .where(table.id > after_id, table.id <= seen.last_id, table.segment.is_(None))
        .order_by(table.id)
        .limit(ROWS_AT_MOST)
        .subquery()
    )
    first_id = select(func.min(waiting.c.id)).scalar_subquery()
    chosen = select(
        func.count(), func.max(waiting.c.id), func.now() - func.min(waiting.c.first_received_at), func.now()
    )
    fits = (waiting.c.bytes <= BYTES_AT_MOST) | (waiting.c.id == first_id)
    count, up_to_id, oldest, now = (await connection.execute(chosen.where(fits))).one()
    if not count or (oldest < waited and count < min(enough, ROWS_AT_MOST)):
        return None
    segment = Segment(told, after_id, up_to_id, segment_files.new_name(told, after_id, up_to_id, now))
    row = insert(tables.segments).values(
        told=told, after_id=after_id, up_to_id=up_to_id, name=segment.name, begun_at=func.now()
    )
    begun = await connection.execute(row.on_conflict_do_nothing().returning(_segments.name))
    return segment if begun.scalars().all() else None


async def unwritten(connection: AsyncConnection) -> Sequence[Segment]:
    """The segments that were begun and are not in storage yet, oldest first."""
    query = select(_segments.told, _segments.after_id, _segments.up_to_id, _segments.name)
    query = query.where(_segments.written_at.is_(None)).order_by(_segments.begun_at)
    return [Segment(*row) for row in await connection.execute(query)]


async def rows(connection: AsyncConnection, segment: Segment) -> Sequence[RowMapping]:
    """The rows of a segment, in the order of their ids."""
    table = _TABLES[segment.told]
    query = (
        select(*(table.c[name] for name in segment_files.COLUMNS if name in table.c))
        .where(table.c.id > segment.after_id, table.c.id <= segment.up_to_id, table.c.segment.is_(None))
        .order_by(table.c.id)
    )
    return (await connection.execute(query)).mappings().all()


async def written(connection: AsyncConnection) -> Sequence[Segment]:
    """The segments that lie in storage, oldest first."""
    query = select(_segments.told, _segments.after_id, _segments.up_to_id, _segments.name)
    query = query.where(_segments.written_at.is_not(None)).order_by(_segments.written_at)
    return [Segment(*row) for row in await connection.execute(query)]


async def lost(connection: AsyncConnection, segment: Segment) -> None:
    """The segment is not in storage any more, or not as it was: it is to be written again from the rows."""
    key = tuple_(_segments.told, _segments.after_id) == (segment.told, segment.after_id)
    await connection.execute(update(tables.segments).where(key).values(written_at=None))


async def wrote(connection: AsyncConnection, segment: Segment) -> None:
    """The segment is durable in storage."""
    key = tuple_(_segments.told, _segments.after_id) == (segment.told, segment.after_id)
    await connection.execute(update(tables.segments).where(key).values(written_at=func.now()))


async def _writers(connection: AsyncConnection, told: Told) -> frozenset[str]:
    """The transactions that hold the lock of a writer on the table, by the names that PostgreSQL gives them."""
    query = text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND relation = CAST(:told AS regclass)"
    )
    return frozenset((await connection.execute(query, {"told": told})).scalars())
