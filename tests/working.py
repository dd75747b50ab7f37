"""Workers in the test's own event loop, and waiting for what they do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from arq.worker import Worker

from archive import settings
from worker.main import worker_settings

T = TypeVar("T")


@contextlib.asynccontextmanager
async def worker(config: settings.Settings) -> AsyncIterator[None]:
    """Have an arq worker run for the length of the block."""
    arq_worker = Worker(**worker_settings(config), handle_signals=False)
    running = asyncio.create_task(arq_worker.async_run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        # Cancelled once and waited for: `close` would cancel the tasks while they release what they hold, and then
        # leave the worker's tools open.
        tasks = list(arq_worker.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        arq_worker.tasks.clear()
        await arq_worker.close()


async def eventually(
    look: Callable[[], Awaitable[T | None]], *, within: float = 60.0, every: float = 0.05, what: str = "it"
) -> T:
    """The first thing that `look` returns other than None or False; fails after `within` seconds."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        if found := await look():
            return found
        await asyncio.sleep(every)
    raise AssertionError(f"{what} did not happen within {within} s")
