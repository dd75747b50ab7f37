import asyncio
import os
import signal
from pathlib import Path

from cli import processes
from tests import working
from tests.cli import commands

SANDBOX = ["sandbox", "--api-port", "0", "--blob-port", "0"]


async def test_a_process_that_ends_is_started_again_until_it_is_stopped(alone: dict[str, str], tmp_path: Path) -> None:
    home, log = Path(alone["ARCHIVE_HOME"]), tmp_path / "sandbox.log"

    async def serves() -> bool:
        return log.exists() and "Ctrl-C ends it" in log.read_text()

    process = processes.Process(SANDBOX, alone, log_file=log)
    await process.start()
    keeping = asyncio.create_task(process.keep_running())
    try:
        await working.eventually(serves, what="the first start")
        (first,) = commands.running_in(home)
        log.write_text("")
        os.kill(first, signal.SIGKILL)
        await working.eventually(serves, what="the second start")
        (second,) = commands.running_in(home)
        assert second != first
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await process.stop()
    assert process.exit_code == 0
    assert commands.running_in(home) == {}
    await process.stop()
