"""Damage: objects whose bytes are not what they were, the results that are owed again for it, and the way back.

A result whose object is damaged is no longer stored: it is due, as if it had never been fetched, and remembers in
`lost_digest` what it had. Should the bytes turn up again, from a backup perhaps, it is stored again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, null, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Update

from archive import due, objects, tables

BATCH = 500
LOST = "its object in storage was missing or damaged"

_objects = tables.objects.c
_results = tables.results.c
_workflows = tables.workflows.c
_tombstones = tables.tombstones.c

_looked_at = func.greatest(_objects.verified_at, _objects.stored_at)
_is_kept = _objects.deleting_at.is_(None)  # what is about to be deleted is left alone


@dataclass(frozen=True)
class Object:
    """An object to look at, as its row tells it."""

    digest: bytes
    size: int
    stored_at: datetime


async def moment(connection: AsyncConnection, *, ago: timedelta) -> datetime:
    """So long ago by PostgreSQL's clock, which stamps what is looked at."""
    return (await connection.execute(select(func.now() - ago))).scalar_one()


async def longest_ago(connection: AsyncConnection, before: datetime, limit: int) -> Sequence[Object]:
    """The objects that were stored or looked at longest ago, before this time."""
    query = (
        select(_objects.digest, _objects.size, _objects.stored_at)
        .where(_looked_at < before, _is_kept)
        .order_by(_looked_at)
        .limit(limit)
    )
    return [Object(*row) for row in await connection.execute(query)]


async def count(connection: AsyncConnection) -> int:
    """How many objects there are to look at."""
    query = select(func.count()).select_from(tables.objects).where(_is_kept)
    return (await connection.execute(query)).scalar_one()


async def whole(connection: AsyncConnection, digests: Sequence[bytes]) -> None:
    """These objects have been looked at, and their bytes are right, whatever was said of them before."""
    seen = _objects.digest.in_(digests)
    # Locked in one order: others may have looked at the same.
    await connection.execute(
        select(_objects.digest).where(seen).order_by(_objects.digest).with_for_update(key_share=True)
    )
    await connection.execute(update(tables.objects).where(seen).values(verified_at=func.now(), damaged_at=None))


async def broken(connection: AsyncConnection, seen: Object) -> bool:
    """This object has been looked at, and its bytes are damaged or missing; False if it was replaced meanwhile."""
    same = (_objects.digest == seen.digest, _objects.stored_at == seen.stored_at, _is_kept)
    mark = update(tables.objects).where(*same)
    damaged_at = func.coalesce(_objects.damaged_at, func.now())
    return bool((await connection.execute(mark.values(verified_at=func.now(), damaged_at=damaged_at))).rowcount)


async def needed(connection: AsyncConnection, digest: bytes) -> int:
    """How many results hold on to this object, or have lost it and have nothing in its place."""
    query = select(func.count()).select_from(tables.results).where(objects.needs(digest))
    return (await connection.execute(query)).scalar_one()


async def owe_again(connection: AsyncConnection) -> Sequence[str]:
    """Make due the results whose objects are damaged, at most a batch of workflows; their ids."""
    is_lost = (_results.object_digest == _objects.digest) & _objects.damaged_at.is_not(None)
    chosen = select(_results.workflow_id).where(is_lost).distinct().limit(BATCH)
    forget = (
        update(tables.results)
        .where(is_lost)
        .values(
            lost_digest=_results.object_digest,
            object_digest=null(),
            stored_at=null(),
            attempts=0,
            missing_at=null(),
            last_error=LOST,
            next_attempt_at=func.now(),
        )
    )
    return await _change(connection, (await connection.execute(chosen)).scalars(), forget)


async def give_back(connection: AsyncConnection) -> Sequence[str]:
    """Say that results are stored whose objects are whole again, at most a batch of workflows; their ids."""
    is_back = (
        (_results.lost_digest == _objects.digest)
        & _objects.damaged_at.is_(None)
        & _is_kept
        & _results.stored_at.is_(None)
    )
    chosen = select(_results.workflow_id).where(is_back).distinct().limit(BATCH)
    remember = (
        update(tables.results)
        .where(is_back)
        .values(
            object_digest=_results.lost_digest,
            lost_digest=null(),
            stored_at=func.now(),
            withheld_at=null(),
            gone_at=null(),
            dead_at=null(),
            last_error=null(),
        )
    )
    return await _change(connection, (await connection.execute(chosen)).scalars(), remember)


async def unknown(connection: AsyncConnection, digests: Iterable[bytes]) -> set[bytes]:
    """Those of these digests for which there is no row, and of which none says that they are on their way out."""
    asked = set(digests)
    leaving = (_tombstones.what == "object", _tombstones.removed_at.is_(None), _tombstones.digest.in_(asked))
    known = union(select(_objects.digest).where(_objects.digest.in_(asked)), select(_tombstones.digest).where(*leaving))
    return asked - set((await connection.execute(known)).scalars())


async def _change(connection: AsyncConnection, workflow_ids: Iterable[str], change: Update) -> Sequence[str]:
    """Change results of these workflows and make due those in which something changed.

    Whoever holds one is overtaken: what he is about to write was found out before.
    """
    ids = sorted(workflow_ids)
    if not ids:
        return ids
    await due.lock(connection, ids)
    changed = change.where(_results.workflow_id.in_(ids)).returning(_results.workflow_id)
    obliged = sorted(set((await connection.execute(changed)).scalars()))
    await connection.execute(update(tables.workflows).where(_workflows.id.in_(obliged)).values(due.AFRESH))
    return obliged
