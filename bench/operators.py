"""Commands as operators type them, two of them at once if need be."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 180.0  # seconds


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    said: str


async def run(environment: Mapping[str, str], *command: str | Path) -> Done:
    """Run a `civitai-archive` command to its end. Raises TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli", *command),
        env=environment,
        start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LONGEST):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(process.returncode or 0, said.decode(errors="replace"))


async def run_twice(environment: Mapping[str, str], *command: str | Path) -> tuple[Done, Done]:
    """The same command by two operators at once."""
    return await asyncio.gather(run(environment, *command), run(environment, *command))
