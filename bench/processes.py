"""Processes of the archive that a drill or a bench starts, kills and stops."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

AGAIN_SECONDS = 0.5
"""What ended is started again after this long, as a service manager would do."""

STOP_SECONDS = 40.0


class Process:
    """One `civitai-archive` command, in a session of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log
        self._process: asyncio.subprocess.Process | None = None
        self.kills = 0

    async def start(self) -> None:
        """Start it; what it says is added to the log."""
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "cli", *self._command),
                env=self._environment,
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def keep_running(self) -> None:
        """Start it again whenever it ends, until cancelled."""
        while self._process is not None:
            await self._process.wait()
            await asyncio.sleep(AGAIN_SECONDS)
            await self.start()

    @property
    def pid(self) -> int:
        """The process id of the one that was started last."""
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """What it has had of the processors so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> bool:
        """End it as a crash would, with SIGKILL; whether it was running."""
        was_running = self._signal(signal.SIGKILL)
        self.kills += was_running
        return was_running

    async def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        if self._process is not None and self._signal(signal.SIGTERM):
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def _signal(self, number: signal.Signals) -> bool:
        if self._process is None or self._process.returncode is not None:
            return False
        self._process.send_signal(number)
        return True


@asynccontextmanager
async def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> AsyncIterator[Process]:
    """A process that is started again whenever it ends, for the length of the block."""
    process = Process(command, environment, log)
    await process.start()
    keeper = asyncio.create_task(process.keep_running())
    try:
        yield process
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await process.stop()
