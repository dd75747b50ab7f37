"""Removals: what is deleted from the rows, and on its way out of storage: objects, and lines of segments."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import tables, tombstones

BATCH = 200
FOLDER = "deleting"

_objects = tables.objects.c
_tombstones = tables.tombstones.c
_PENDING = and_(_tombstones.what == "object", _tombstones.removed_at.is_(None), _tombstones.written_at.is_not(None))

_IN_SEGMENT = and_(_tombstones.segment.is_not(None), _tombstones.removed_at.is_(None))


@dataclass(frozen=True)
class Removal:
    """An object to remove. `is_needed`: there is a row for it again. `is_aside`: its bytes had been moved.

    `tombstones`: which say so. One that is added later is another removal, which is not done when this one is.
    """

    digest: bytes
    size: int
    is_needed: bool
    is_aside: bool
    tombstones: Sequence[uuid.UUID]


@asynccontextmanager
async def one_at_a_time(engine: AsyncEngine, digest: bytes) -> AsyncIterator[None]:
    """Nobody else is in such a block for this object, in whatever process: its bytes are in one of two places.

    What was known of it before may not hold any more.
    """
    lock = int.from_bytes(digest[:8], "big", signed=True)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(select(func.pg_advisory_lock(lock)))
        try:
            yield
        finally:
            await connection.execute(select(func.pg_advisory_unlock(lock)))


async def due(connection: AsyncConnection, *, settled: timedelta, digest: bytes | None = None) -> Sequence[Removal]:
    """The objects of which something is to be done, at most a batch: those that have lain aside for less are not.

    With `digest` that object alone.
    """
    is_needed = _is_needed(_tombstones.digest)
    is_aside = func.bool_and(_tombstones.aside_at.is_not(None))
    has_settled = func.max(_tombstones.aside_at) <= func.now() - settled
    query = (
        select(_tombstones.digest, func.max(_tombstones.size), is_needed, is_aside, func.array_agg(_tombstones.id))
        .where(_PENDING, *([] if digest is None else [_tombstones.digest == digest]))
        .group_by(_tombstones.digest)
        .having(or_(~is_aside, has_settled, is_needed))
        .order_by(func.min(_tombstones.deleted_at))
        .limit(BATCH)
    )
    return [Removal(*row) for row in await connection.execute(query)]


async def needed(connection: AsyncConnection, digests: Sequence[bytes]) -> set[bytes]:
    """Those of these objects that have a row."""
    query = select(_objects.digest).where(_objects.digest.in_(digests))
    return set((await connection.execute(query)).scalars())


async def moved_aside(connection: AsyncConnection, removal: Removal) -> None:
    """Its bytes are out of their place."""
    pending = and_(_PENDING, _tombstones.id.in_(removal.tombstones))
    await tombstones.change(connection, pending, aside_at=func.coalesce(_tombstones.aside_at, func.now()))


async def finished(connection: AsyncConnection, removal: Removal) -> None:
    """Its bytes are out of storage, or in their place again because they are needed."""
    pending = and_(_PENDING, _tombstones.id.in_(removal.tombstones))
    await tombstones.change(connection, pending, removed_at=func.now())


async def next_segment(connection: AsyncConnection) -> str | None:
    """A segment from which something is to be removed, by name; None if there is none."""
    query = select(_tombstones.segment).where(_IN_SEGMENT, _tombstones.written_at.is_not(None)).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def told_in(connection: AsyncConnection, segment: str) -> set[bytes]:
    """The digests of all that was ever deleted of a segment."""
    query = select(_tombstones.digest).where(_tombstones.segment == segment)
    return {digest for digest in (await connection.execute(query)).scalars() if digest is not None}


async def left_segment(connection: AsyncConnection, segment: str, digests: set[bytes]) -> None:
    """These are no longer in the segment."""
    gone = and_(_IN_SEGMENT, _tombstones.segment == segment, _tombstones.digest.in_(digests))
    await tombstones.change(connection, gone, removed_at=func.now())


def aside(digest: bytes) -> str:
    """The name in storage of bytes that have been moved aside."""
    return f"{FOLDER}/{digest.hex()}"


def _is_needed(digest: ColumnElement[bytes]) -> ColumnElement[bool]:
    return select(_objects.digest).where(_objects.digest == digest).exists()
