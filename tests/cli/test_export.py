"""Copies of what is kept, made from a shell."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive.storage import object_name
from tests.archive import holding, stores
from tests.archive.holding import Held
from tests.cli import commands

Environment = dict[str, str]


@pytest.fixture
async def held(servers: Environment, engine: AsyncEngine, tmp_path: Path) -> Held:
    """w1 of January 1st (tag alpha: cat, dog) and w2 of the 2nd (tag beta: fox, and the same cat)."""
    return await holding.held(engine, servers, tmp_path / "storage")


async def exported(held: Held, to: Path, *words: str) -> tuple[commands.Done, set[str]]:
    done = await commands.run(
        "export", "--to", to, "--template", "{workflow}-{index}", *words, environment=held.environment
    )
    return done, set(stores.files(to)) - {"manifest-sha256.txt"}


async def test_everything_is_copied_and_a_second_time_nothing(held: Held, tmp_path: Path) -> None:
    done, names = await exported(held, tmp_path / "copy")
    assert (done.code, names) == (0, {"w1-001", "w1-002", "w2-001", "w2-002"})
    assert done.out == f"4 results copied to {tmp_path / 'copy'}, 12 bytes; 0 were there already.\n"
    assert done.err == ""
    done, _ = await exported(held, tmp_path / "copy")
    assert done.out == f"0 results copied to {tmp_path / 'copy'}, 0 bytes; 4 were there already.\n"


async def test_tags_and_dates_narrow_it(held: Held, tmp_path: Path) -> None:
    assert (await exported(held, tmp_path / "a", "--tag", "alpha"))[1] == {"w1-001", "w1-002"}
    assert (await exported(held, tmp_path / "b", "--from", "2026-01-02"))[1] == {"w2-001", "w2-002"}
    assert (await exported(held, tmp_path / "c", "--until", "2026-01-01"))[1] == {"w1-001", "w1-002"}
    assert (await exported(held, tmp_path / "d", "--tag", "beta", "--until", "2026-01-01"))[1] == set()


async def test_what_is_missing_is_named_and_the_rest_is_copied(held: Held, tmp_path: Path) -> None:
    (held.storage / object_name(holding.digest(b"cat"))).unlink()
    done, names = await exported(held, tmp_path / "copy")
    assert names == {"w1-002", "w2-001"}
    assert done.code == 1
    first, second, last = done.err.splitlines()
    assert first.startswith("w1-001 is missing: storage has no object")
    assert second.startswith("w2-002 is missing: ")
    assert last == f"civitai-archive: 2 results are missing from {tmp_path / 'copy'}."


async def test_two_operators_at_once_do_no_harm(held: Held, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(exported(held, tmp_path / "copy")) for _ in range(2)]
    assert {run.result()[0].code for run in runs} <= {0, 1}
    done, names = await exported(held, tmp_path / "copy")
    assert (done.code, len(names)) == (0, 4)


async def test_what_cannot_be_ends_in_a_sentence(held: Held, tmp_path: Path) -> None:
    (tmp_path / "there.zip").touch()
    for to, code, sentence in (
        (tmp_path / "there.zip", 1, "there.zip is there already: move it away, or choose another name"),
        (Path(os.devnull) / "x", 1, "cannot be read or written: Not a directory"),
    ):
        (await commands.run("export", "--to", to, environment=held.environment)).assert_failed(code, sentence)
    (await commands.run("export", "--to", "x", "--template", "../{step}", environment=held.environment)).assert_failed(
        2, r"--template has the name '\.\.'"
    )
