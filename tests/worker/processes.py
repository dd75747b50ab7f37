"""Workers that are processes of their own, to be killed."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def worker(environment: Mapping[str, str], log: Path) -> AsyncIterator[Process]:
    """Run `arq worker.main.WorkerSettings` as an operator would; what it says is appended to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "arq", "worker.main.WorkerSettings",
            env=dict(environment), cwd=PROJECT, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            # A stopped process hears nothing else.
            process.send_signal(signal.SIGKILL)
            await process.wait()
