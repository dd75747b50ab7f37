"""Which storage this database belongs to: one row, with the id that the storage's marker must carry."""

import uuid
from dataclasses import dataclass

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables


@dataclass(frozen=True)
class Known:
    """The storage's id, and whether it was ever used: then it cannot be new and empty."""

    id: str
    is_used: bool


async def know(connection: AsyncConnection, found: str | None) -> Known:
    """The storage that we know; from now on it is the one with the id that was found, or a new id, if we know none.

    Several who come at once get the same.
    """
    row = insert(tables.storage_markers).values(id=found or uuid.uuid4().hex, chosen_at=func.now())
    if found is None:
        row = row.on_conflict_do_nothing()
    else:  # an id that was chosen, and never written to any storage, gives way
        row = row.on_conflict_do_update(
            index_elements=["is_only"], set_={"id": row.excluded.id}, where=tables.storage_markers.c.seen_at.is_(None)
        )
    await connection.execute(row)
    columns = tables.storage_markers.c
    query = select(columns.id, columns.seen_at.is_not(None) | exists(select(tables.objects.c.digest)))
    return Known(*(await connection.execute(query)).one())


async def see(connection: AsyncConnection, url: str) -> None:
    """Its marker was seen where it is to be, at this URL: from now on it must always be there."""
    columns = tables.storage_markers.c
    news = update(tables.storage_markers).where(columns.seen_at.is_(None) | columns.url.is_distinct_from(url))
    await connection.execute(news.values(seen_at=func.coalesce(columns.seen_at, func.now()), url=url))


async def seen(connection: AsyncConnection) -> str | None:
    """The id of the storage that is in use; None before there is one."""
    columns = tables.storage_markers.c
    found: str | None = (await connection.execute(select(columns.id).where(columns.seen_at.is_not(None)))).scalar()
    return found
