"""The built command as its users meet it: a process, with an environment of its own."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.cli import forks

BIN = Path(sys.executable).parent
CIVITAI_ARCHIVE = BIN / "civitai-archive"


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    def assert_failed(self, code: int, sentence: str) -> None:
        """Check that it ended with this code and, last of all, one line in which this pattern is found."""
        *logs, last = self.err.splitlines() or [""]
        assert "Traceback" not in self.err, self.err
        assert all(line.startswith("{") for line in logs), self.err
        assert self.code == code, f"{self.code}: {self.err}"
        assert re.search(f"^civitai-archive: .*{sentence}", last), last


@dataclass(frozen=True)
class Started:
    """A command that runs, and where it writes."""

    process: asyncio.subprocess.Process
    home: Path
    output: Path

    def said(self) -> str:
        return self.output.read_text()

    async def says(self, text: str, *, within: float = 60.0) -> None:
        """Return when it has written this; fail when it ends, or takes too long."""
        began = time.monotonic()
        while text not in self.said():
            assert self.process.returncode is None, f"it ended with {self.process.returncode}: {self.said()}"
            assert time.monotonic() - began < within, f"{text!r} is missing: {self.said()}"
            await asyncio.sleep(0.02)

    async def answers(self, url: str, *, within: float = 60.0) -> None:
        """Return when a GET of this address succeeds; fail when it ends, or takes too long."""
        began = time.monotonic()
        async with httpx.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(url)).is_success:
                        return
                assert self.process.returncode is None, f"it ended with {self.process.returncode}: {self.said()}"
                assert time.monotonic() - began < within, f"{url} does not answer: {self.said()}"
                await asyncio.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        """Send a signal: SIGINT to the whole foreground group as Ctrl-C does, any other to the command alone."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if number == signal.SIGINT else os.kill)(self.process.pid, number)

    async def ends(self, *, within: float = 60.0) -> int:
        async with asyncio.timeout(within):
            return await self.process.wait()


async def run(
    *arguments: str | Path,
    environment: Mapping[str, str],
    program: Path | None = None,
    within: float = 60.0,
    directory: Path | None = None,
    given: bytes = b"",
) -> Done:
    """Run it to its end, in this directory, with this for its standard input.

    Without a program it is the command, without its start (`forks`).
    """
    if program is None:
        words = [str(CIVITAI_ARCHIVE), *map(str, arguments)]
        code, out, err = await forks.run(words, environment, directory or Path.cwd(), given, within=within)
        return Done(code, out.decode(), err.decode())
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


@contextlib.asynccontextmanager
async def started(
    *arguments: str | Path,
    environment: Mapping[str, str],
    program: Path = CIVITAI_ARCHIVE,
    directory: Path | None = None,
) -> AsyncIterator[Started]:
    """Run it in a foreground group of its own for the length of the block; nothing of it is left afterwards."""
    home = Path(environment["ARCHIVE_HOME"])
    output = home.with_name(f"{home.name}.{'-'.join(map(str, arguments))[:50].replace('/', '-')}.out")
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Started(process, home, output)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        for pid in running_in(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def running_in(home: Path) -> dict[int, str]:
    """The processes that name this home in their environment or command, or work in it: their ids and commands."""
    found = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            command = (process / "cmdline").read_bytes()
            here = os.fsencode(home)
            if (
                here in command
                or here in (process / "environ").read_bytes()
                or here in os.readlink(process / "cwd").encode()
            ):
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found
