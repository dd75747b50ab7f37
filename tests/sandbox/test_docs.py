"""docs/sandbox.md is true: its commands work, its tables are whole, its examples can be played."""

import asyncio
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import faults, scenario

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
STARTING, *COMMANDS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
ROWS = re.findall(r"^\| `(\w+)` \| `(\{.*?\})` \| ", TEXT, re.MULTILINE)
ANY_PORTS = ["--api-port", "0", "--blob-port", "0"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the documented commands are curl's")
async def test_every_command_works() -> None:
    program, *arguments = shlex.split(STARTING)
    assert program == "civitai-archive"
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, *ANY_PORTS, stdout=asyncio.subprocess.PIPE
    )
    assert started.stdout
    try:
        said = (await asyncio.wait_for(started.stdout.readuntil(b"Ctrl-C"), 30)).decode()
        exports = dict(re.findall(r"export (\w+)=(\S+)", said))
        for command in COMMANDS:
            script = "set -eu\n" + re.sub(r"^curl ", "curl --fail --noproxy '*' ", command, flags=re.MULTILINE)
            done = await asyncio.create_subprocess_exec(
                "sh", "-c", script, env={"PATH": _path(), **exports}, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await asyncio.wait_for(done.communicate(), 40)
            assert done.returncode == 0, command
            assert output.startswith((b"{", b"[")) or "/sandbox/forget" in command
    finally:
        started.terminate()
        await started.communicate()


def _path() -> str:
    return str(Path(shutil.which("curl") or "").parent)


def test_the_table_of_faults_is_whole() -> None:
    assert {name for name, _ in ROWS if name in faults.NAMES} == set(faults.NAMES)


def test_the_table_of_what_metadata_can_ask_for_is_whole() -> None:
    assert {name for name, _ in ROWS if name not in faults.NAMES} == scenario.KEYS


@pytest.mark.parametrize(("name", "example"), ROWS)
def test_every_example_can_be_played(name: str, example: str) -> None:
    parse: Callable[[Mapping[str, Any]], object] = faults.parse if name in faults.NAMES else scenario.parse
    wishes = json.loads(example)
    assert name in wishes
    parse(wishes)
