"""Sharing transactions: what tasks write at about the same time is written together, and committed once.

A transaction costs about as much for one workflow as for ten, and of the processor's time it is most of the cost.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, database
from archive.together import Together

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

AT_ONCE = 256  # items in one transaction


def transactions(
    engine: AsyncEngine,
    write: Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Outcome | claims.Overtaken]]],
    *,
    gathering: Callable[[], float],
) -> Together[Item, Outcome]:
    """One kind of write: whoever awaits it goes on once his item has been committed.

    `write` takes a connection within a transaction and the items of a batch, and gives an outcome for each, in the same
    order: Overtaken for an item whose claim has been. A batch that PostgreSQL refuses is written one by one.
    `gathering` says how many seconds the first item of a batch waits for others.
    """

    async def commit(items: Sequence[Item]) -> Sequence[Outcome | Exception]:
        async with engine.begin() as connection:
            return await write(connection, items)

    return Together(
        commit,
        gathering=gathering,
        at_once=AT_ONCE,
        is_one_at_fault=lambda error: not database.is_unavailable(error),
    )
