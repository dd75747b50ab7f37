"""Civitai's own JavaScript client, `@civitai/client`, as a process that makes the calls a test asks for.

Its driver, `drive.mjs`, does not know who answers: the same calls can be made of the sandbox, the gateway, or both.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OLDEST_NODE = (20, 6)  # the first whose modules can be told how to resolve
_LONGEST_LINE = 16 * 2**20  # bytes of one answer
_ANSWERS_WITHIN = 60  # seconds
NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Answer:
    """The status of one call (None where none came), and the body: `data` of a success, `error` of anything else."""

    status: int | None
    data: Any = None
    error: Any = None


def missing() -> str | None:
    """Why the client cannot run on this machine, if it cannot."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "there is no Node.js here"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    version = tuple(map(int, re.findall(r"\d+", said)))
    return None if version >= OLDEST_NODE else f"Node.js {said} is older than {'.'.join(map(str, OLDEST_NODE))}"


def install(directory: Path = HERE) -> None:
    """Put what the lock file in this directory names into `node_modules` beside it, unless it is there."""
    installed = directory / "node_modules" / ".package-lock.json"
    with _alone_in(directory):  # other processes run tests too
        if installed.exists() and installed.stat().st_mtime >= (directory / "package-lock.json").stat().st_mtime:
            return
        command = [shutil.which("npm") or "npm", "ci", "--ignore-scripts"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"npm cannot install what {directory.name} needs: {done.stderr.strip()}"


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Client:
    """One process of the driver."""

    def __init__(self, process: asyncio.subprocess.Process, headers: Mapping[str, str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output, self._headers = process.stdin, process.stdout, dict(headers)

    async def call(self, name: str, **options: Any) -> Answer:
        """Make one call of the client, such as `getWorkflow`, with its options `path`, `query`, `body`; what
        is not JSON is had with `parseAs="blob"`.
        """
        options = {"headers": self._headers, **options}
        self._input.write(json.dumps({"call": name, "options": options}).encode() + b"\n")
        line = await asyncio.wait_for(self._output.readline(), _ANSWERS_WITHIN)
        assert line, f"the client ended in {name}; standard error says why"
        return Answer(**json.loads(line))

    async def pages(self, **query: Any) -> list[list[Any]]:
        """The items of every page of a query, page by page, to the one that names no next."""
        pages: list[list[Any]] = []
        cursor = ""
        while cursor or not pages:
            wishes = {**query, "cursor": cursor} if cursor else query
            answer = await self.call("queryWorkflows", query=wishes)
            assert answer.status == 200, answer
            pages.append(answer.data["items"])
            cursor = answer.data.get("next", "")
        return pages


@contextlib.asynccontextmanager
async def client(base_url: str, token: str, headers: Mapping[str, str] = NONE) -> AsyncIterator[Client]:
    """A client of the API at this address, for which `install` has been called; its headers go with every call."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "drive.mjs"),
        base_url,
        env={"PATH": os.environ["PATH"], "CIVITAI_API_TOKEN": token},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        yield Client(process, headers)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
