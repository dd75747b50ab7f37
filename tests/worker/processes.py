"""Workers that are processes of their own, to be killed."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]

WITH_A_SHORT_DRAIN = """
from datetime import timedelta
from arq.worker import run_worker
from worker import main
main.DRAIN = timedelta(seconds=1)
run_worker(main.WorkerSettings)
"""


@contextlib.asynccontextmanager
async def worker(environment: Mapping[str, str], log: Path, *, script: str | None = None) -> AsyncIterator[Process]:
    """Run `arq worker.main.WorkerSettings` as an operator would, or a script; what it says is appended to `log`."""
    command = ["-m", "arq", "worker.main.WorkerSettings"] if script is None else ["-c", script]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env=dict(environment),
            cwd=PROJECT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            # A stopped process hears nothing else.
            process.send_signal(signal.SIGKILL)
            await process.wait()
