"""Processes of ours that we start, watch, start again, and stop."""

import asyncio
import contextlib
import ctypes
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0
"""Seconds before a process that ended is started again, doubled each time until it has lasted a while."""

PR_SET_PDEATHSIG = 1  # from linux/prctl.h

_LIBC = ctypes.CDLL(None)  # loaded before any fork: between fork and exec nothing may be

LASTED_SECONDS = 30.0
STOP_SECONDS = 30.0

log = structlog.get_logger()


class Ended(Exception):
    """A process ended before it had ever been of use; it has said why itself."""

    def __init__(self, name: str, exit_code: int, log_file: Path | None) -> None:
        where = f"; {log_file} says why" if log_file else ""
        super().__init__(f"the {name} ended at once, with exit code {exit_code}{where}")
        self.exit_code = exit_code


class Process:
    """One `civitai-archive` command, in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, log_file: Path | None = None) -> None:
        """What it writes goes to `log_file`, or where ours goes."""
        self.name = command[0]
        # -P: a cli.py in the directory where we were called is none of ours.
        self._command = [sys.executable, "-P", "-m", "cli", *command]
        self._environment = dict(environment)
        self.log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._started = 0.0

    async def start(self) -> None:
        """Start it."""
        self._started = time.monotonic()
        with self.log_file.open("ab") if self.log_file else contextlib.nullcontext() as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                start_new_session=True,
                preexec_fn=end_with_parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.returncode if self._process else None

    async def keep_running(self) -> None:
        """Start it again whenever it ends, until cancelled; more slowly if it does not last."""
        delay = FIRST_DELAY
        while self._process is not None:
            exit_code = await self._process.wait()
            delay = FIRST_DELAY if time.monotonic() - self._started > LASTED_SECONDS else delay
            log.warning("a process ended and is started again", process=self.name, exit_code=exit_code, delay=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            try:
                await self.start()
            except OSError as error:
                log.error("a process could not be started; it is tried again", process=self.name, error=repr(error))

    async def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.error("a process did not end in time and is killed", process=self.name)
            self._process.kill()
            await self._process.wait()


def end_with_parent() -> None:
    """In the child: have the kernel send SIGTERM when the parent dies, kill -9 included. Linux alone can."""
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
