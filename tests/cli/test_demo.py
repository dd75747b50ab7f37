import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.cli import commands

SH = Path("/bin/sh")


async def test_the_demo_archives_a_dozen_workflows_and_leaves_nothing_running(alone: dict[str, str]) -> None:
    # Whatever the caller has set for an archive of their own is none of the demo's.
    wrong = {"REDIS_URL": "redis://127.0.0.1:1", "CIVITAI_API_TOKEN_FILE": __file__, "RECEIVER_PORT": "1"}
    home = Path(alone["ARCHIVE_HOME"])
    program = commands.CIVITAI_ARCHIVE
    done = await commands.run("demo", environment=alone | wrong, program=program, within=60)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("✓  ") == 12
    assert "12 of 12 workflows archived, 40 results" in done.out
    assert "✓ the SHA-256 of all 40 stored results is that of what was served" in done.out
    assert f"The files are in {home}/demo/storage" in done.out
    assert len(list((home / "demo" / "storage" / "objects").rglob("*/*/*"))) > 0
    assert commands.running_in(home) == {}


async def test_a_demo_that_is_kept_answers_the_lines_that_it_suggests(alone: dict[str, str]) -> None:
    home = Path(alone["ARCHIVE_HOME"])
    async with commands.started("demo", "--keep", environment=alone) as demo:
        await demo.says("All of it runs until Ctrl-C")
        await demo.says("'chatCompletion'\"\n")
        suggested = [line for line in demo.said().splitlines() if " sql " in line]
        assert len(suggested) == 3
        # Another terminal knows nothing of the first one but the line that is pasted.
        elsewhere = {"PATH": "/usr/bin:/bin", "HOME": alone["HOME"]} | {
            name: value for name, value in alone.items() if name == "PYTHONPATH"
        }
        for line, rows in zip(suggested, ((5,), range(6, 50), (1,)), strict=True):
            done = await commands.run("-c", line, environment=elsewhere, program=SH)
            assert (done.code, done.err) == (0, "")
            assert int(done.out.splitlines()[-1].split()[0]) in rows, done.out
        second = await commands.run("demo", environment=alone)
        second.assert_failed(1, f"{home}/demo is in use by process {demo.process.pid}")
        demo.send(signal.SIGINT)
        assert await demo.ends() == 0
    assert "Traceback" not in demo.said(), demo.said()
    assert commands.running_in(home) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_interrupted_leaves_nothing_whenever_that_is(
    alone: dict[str, str], number: signal.Signals
) -> None:
    moment = random.Random(number).uniform(0.7, 3.5)  # noqa: S311 - repeatable on purpose
    async with commands.started("demo", environment=alone) as demo:
        await asyncio.sleep(moment)
        for _ in range(2):  # an impatient person
            demo.send(number)
            await asyncio.sleep(0.2)
        assert await demo.ends() in (128 + number, -number), f"after {moment} s: {demo.said()}"
        assert commands.running_in(demo.home) == {}, f"after {moment} s"
    assert "Traceback" not in demo.said(), demo.said()


async def test_a_home_that_cannot_be_written_is_one_sentence(alone: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = await commands.run("demo", environment=alone | {"ARCHIVE_HOME": str(tmp_path / "file" / "home")})
    done.assert_failed(1, r"cannot be used \(Not a directory\): .* set ARCHIVE_HOME to another one")
