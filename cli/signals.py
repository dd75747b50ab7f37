"""SIGINT and SIGTERM: the polite ways to end a command."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> signal.Signals | None:
    """Do `work` until it is done, or until a signal comes, which cancels it; returns the signal that did.

    Further signals change nothing: whatever is being stopped by then has its own time limit.
    """
    # Until the loop listens there is nothing to stop: end at once. Python would raise KeyboardInterrupt in its making.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return asyncio.run(_until_signalled(work))


async def _until_signalled(work: Coroutine[Any, Any, None]) -> signal.Signals | None:
    task = asyncio.create_task(work)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if not received:
            received.append(number)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if not received:
            raise
        return received[0]
    return None
