"""How far each of the receiver's spool files has been replayed into the database."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables

_spools = tables.spools.c


async def position(connection: AsyncConnection, name: str) -> int:
    """The bytes of this file whose deliveries are in the database."""
    return (await connection.execute(select(_spools.position).where(_spools.name == name))).scalar_one_or_none() or 0


async def advance(connection: AsyncConnection, name: str, to: int) -> None:
    """Say in the replaying transaction that the file's first `to` bytes are in the database."""
    row = insert(tables.spools).values(name=name, position=to, replayed_at=func.now())
    again = {"position": row.excluded.position, "replayed_at": row.excluded.replayed_at}
    await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=again))


async def forget(connection: AsyncConnection, name: str) -> None:
    """Forget a file that has been removed."""
    await connection.execute(delete(tables.spools).where(_spools.name == name))
