"""A terminal of so many columns and rows, with a person in front of it: tmux, on a socket of its own."""

import asyncio
import contextlib
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import commands

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed, so no screen can be read")

COLUMNS, ROWS = 100, 30


@dataclass(frozen=True)
class Terminal:
    """A command at work in a terminal."""

    socket: Path

    async def screen(self) -> str:
        """What is to be seen now."""
        return await _tmux(self.socket, "capture-pane", "-p")

    async def shows(self, pattern: str, *, within: float = 60.0) -> str:
        """The screen once this pattern is found on it; fails when that takes too long."""
        began = time.monotonic()
        while not re.search(pattern, screen := await self.screen(), re.MULTILINE):
            assert time.monotonic() - began < within, f"{pattern!r} is not on the screen:\n{screen}"
            await asyncio.sleep(0.05)
        return screen

    async def press(self, *keys: str) -> None:
        """Press these keys, as tmux calls them: `C-c`."""
        await _tmux(self.socket, "send-keys", *keys)


@contextlib.asynccontextmanager
async def running(
    *arguments: str, environment: Mapping[str, str], directory: Path, columns: int = COLUMNS
) -> AsyncIterator[Terminal]:
    """Run the command in a terminal; its exit code is written below what it says. Nothing is left afterwards."""
    socket = directory / "tmux"
    variables = [f"{name}={value}" for name, value in environment.items()]
    command = shlex.join(["env", "-i", *variables, "TERM=screen-256color", str(commands.CIVITAI_ARCHIVE), *arguments])
    # The shell lives on after a Ctrl-C, which reaches the whole foreground.
    script = f"trap : INT; {command}; echo exit code $?; exec sleep 600"
    size = ["-x", str(columns), "-y", str(ROWS)]
    await _tmux(socket, "-f", "/dev/null", "new-session", "-d", *size, "-c", str(directory), "sh", "-c", script)
    try:
        yield Terminal(socket)
    finally:
        await _tmux(socket, "kill-server")


async def _tmux(socket: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "tmux",
        "-S",
        str(socket),
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
