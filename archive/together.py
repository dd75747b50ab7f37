"""Doing together what is asked for at about the same time, where ten of it cost little more than one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass
class _Waiting(Generic[Item, Outcome]):
    item: Item
    done: asyncio.Future[Outcome]


class Together(Generic[Item, Outcome]):
    """One kind of work. `await together(item)` gives what came of the item, or raises it, once its batch is done.

    `do` takes a batch and gives an outcome for each item, in the same order. A batch that fails whole is done one by
    one when `is_one_at_fault` says that one of its items may be why.
    """

    def __init__(
        self,
        do: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        gathering: Callable[[], float],
        at_once: int,
        is_one_at_fault: Callable[[Exception], bool],
    ) -> None:
        """Take what says how many seconds the first of a batch waits for others, and how many make the largest."""
        self._do = do
        self._gathering, self._at_once, self._is_one_at_fault = gathering, at_once, is_one_at_fault
        self._waiting: list[_Waiting[Item, Outcome]] = []
        self._doing: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Outcome:
        """Have it done with the next batch."""
        waiting: _Waiting[Item, Outcome] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._doing is None:
            # A task of its own, which does not end when a task that waits for it is cancelled.
            self._doing = asyncio.create_task(self._do_all())
        return await waiting.done

    async def aclose(self) -> None:
        """Wait for what is being done."""
        if self._doing is not None:
            await self._doing

    async def _do_all(self) -> None:
        """Batch after batch: while one is done, the next comes together."""
        try:
            while self._waiting:
                await asyncio.sleep(self._gathering())
                batch, self._waiting = self._waiting[: self._at_once], self._waiting[self._at_once :]
                await self._do_batch([one for one in batch if not one.done.cancelled()])
        finally:
            self._doing = None

    async def _do_batch(self, batch: Sequence[_Waiting[Item, Outcome]]) -> None:
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await self._do([one.item for one in batch])
        except Exception as error:
            if len(batch) > 1 and self._is_one_at_fault(error):
                for one in batch:
                    await self._do_batch([one])
                return
            outcomes = [error] * len(batch)
        for one, outcome in zip(batch, outcomes, strict=True):
            if one.done.done():
                continue  # its task was cancelled while it waited
            if isinstance(outcome, Exception):
                one.done.set_exception(outcome)
            else:
                one.done.set_result(outcome)
