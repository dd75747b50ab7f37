"""Sharing round trips: what tasks have to write at about the same time is written together, and committed once.

A transaction costs about as much for one workflow as for ten, and of the processor's time it is most of the cost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, database

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

GATHERING = 0.01  # seconds that the first waits for others; a workflow is written a handful of times
AT_ONCE = 64  # items in one transaction


@dataclass(frozen=True)
class _Entry(Generic[Item, Outcome]):
    item: Item
    written: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Shared(Generic[Item, Outcome]):
    """One kind of write. `await shared(item)` gives what came of the item, once that has been committed.

    `write` takes a connection within a transaction and the items of a batch, and gives an outcome for each, in the
    same order: Overtaken for an item whose claim has been, which is raised where it was handed in.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        write: Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Outcome | claims.Overtaken]]],
    ) -> None:
        self._engine = engine
        self._write = write
        self._waiting: list[_Entry[Item, Outcome]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Outcome:
        """Write it with the next batch. Raises Overtaken, and what its transaction raises."""
        entry = _Entry[Item, Outcome](item)
        self._waiting.append(entry)
        if self._writing is None:
            # A task of its own, which does not end when a task that waits for it is cancelled.
            self._writing = asyncio.create_task(self._write_all())
        return await entry.written

    async def aclose(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        """Batch after batch: while one is written, the next comes together."""
        try:
            while self._waiting:
                await asyncio.sleep(GATHERING)
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._write_batch([entry for entry in batch if not entry.written.cancelled()])
        finally:
            self._writing = None

    async def _write_batch(self, batch: Sequence[_Entry[Item, Outcome]]) -> None:
        outcomes: Sequence[Outcome | Exception]
        try:
            async with self._engine.begin() as connection:
                outcomes = await self._write(connection, [entry.item for entry in batch])
        except Exception as error:
            if len(batch) > 1 and not database.is_unavailable(error):
                # One of them is at fault, and no reason for the others to fail.
                for entry in batch:
                    await self._write_batch([entry])
                return
            outcomes = [error] * len(batch)
        for entry, outcome in zip(batch, outcomes, strict=True):
            if entry.written.done():
                continue  # its task was cancelled while it waited
            if isinstance(outcome, Exception):
                entry.written.set_exception(outcome)
            else:
                entry.written.set_result(outcome)
