"""Objects: stored contents, addressed by the SHA-256 of their bytes."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database, tables
from archive.media.contents import Facts
from orchestration import wire

_objects = tables.objects.c
_results = tables.results.c
_given = database.given(
    _objects.digest, _objects.size, _objects.media_type, _objects.width, _objects.height, _objects.duration
)
_NEW = insert(tables.objects).from_select(
    [*(column.name for column in _given.c), "stored_at"], select(_given, func.now())
)
_ADD = _NEW.on_conflict_do_update(
    index_elements=["digest"],
    set_={"stored_at": _NEW.excluded.stored_at, "damaged_at": None, "deleting_at": None},
    where=func.num_nonnulls(tables.objects.c.damaged_at, tables.objects.c.deleting_at) > 0,
)


async def add(connection: AsyncConnection, stored: Mapping[bytes, Facts]) -> None:
    """Say that the bytes of these SHA-256 are durable in storage. The caller has seen to it that they are."""
    rows = [
        {**vars(stored[digest]), "digest": digest, "media_type": wire.text(stored[digest].media_type)}
        # Sorted, so that two transactions that meet take their row locks in the same order.
        for digest in sorted(stored)
    ]
    if rows:
        await connection.execute(_ADD, {"rows": rows})


def is_needed(digest: ColumnElement[bytes]) -> ColumnElement[bool]:
    """The condition that some result needs the object with this digest."""
    return exists().where(needs(digest))


def needs(digest: ColumnElement[bytes] | bytes) -> ColumnElement[bool]:
    """The condition that a result needs the object: it has it, or lost it to damage and has nothing in its place."""
    return or_(_results.object_digest == digest, and_(_results.lost_digest == digest, _results.stored_at.is_(None)))
