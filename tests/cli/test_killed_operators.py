"""Operators whose commands are killed in the midst of what they delete, move or copy: the next one finishes it."""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from archive.storage import object_name, opening
from tests.archive import holding, stores
from tests.archive.holding import Held
from tests.cli import commands
from tests.worker import files, rows
from worker import prune, recognise_storage

MANY = 60
KEPT = {f"w{number}": [f"{number}-{name}".encode() for name in ("one", "two")] for number in range(MANY)}
"""id → contents; those with an even number have the tag alpha, the others beta."""


@pytest.fixture
async def held(servers: dict[str, str], engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    """An archive of many workflows."""
    told = {
        workflow_id: ("2026-01-01T12:00:00Z", ("alpha", "beta")[number % 2], "a cat", tuple(contents))
        for number, (workflow_id, contents) in enumerate(KEPT.items())
    }
    monkeypatch.setattr(holding, "WORKFLOWS", told)
    return await holding.held(engine, servers, tmp_path / "storage")


async def killed(held: Held, *command: str | Path, has_begun: Callable[[], bool]) -> None:
    """Run a command and kill it as soon as it can be seen to have begun; on a busy machine it may be done by then."""
    async with commands.started(*command, environment=held.environment) as running:
        while not has_begun():
            assert running.process.returncode is None or has_begun(), running.said()
            await asyncio.sleep(0.001)
        running.send(signal.SIGKILL)
        assert await running.ends() in (-signal.SIGKILL, 0), running.said()


def contents(*remainders: int) -> list[bytes]:
    return sorted(each for number in range(MANY) if number % 2 in remainders for each in KEPT[f"w{number}"])


async def test_what_a_killed_prune_has_left_the_next_does_and_no_more(held: Held, engine: AsyncEngine) -> None:
    words = ("prune", "--delete", "contents", "--tag", "alpha", "--grace", "0s")
    for folder in ("tombstones", "deleting"):
        await killed(held, *words, has_begun=(held.storage / folder).exists)
    done = await commands.run(*words, environment=held.environment)
    assert done.code == 0, done.err
    store = opening.open_storage(settings.read(held.environment))
    await recognise_storage.recognise(engine, store)
    await prune.remove(engine, store, settled=timedelta(0))
    assert sorted(files.objects(held.storage).values()) == contents(1)
    assert [path for path in (held.storage / "deleting").rglob("*") if path.is_file()] == []
    told = "SELECT what, count(*) AS count, count(removed_at) AS removed FROM tombstones GROUP BY what ORDER BY what"
    assert [(row["what"], row["count"], row["removed"]) for row in await rows.select(engine, told)] == [
        ("object", MANY, MANY),
        ("result", MANY, 0),
    ]
    assert (await commands.run("verify", environment=held.environment)).out.startswith(f"{MANY} objects looked at")


async def test_what_a_killed_verify_has_moved_aside_is_found_and_owed_by_the_next(
    held: Held, engine: AsyncEngine
) -> None:
    names = [object_name(holding.digest(content)) for content in contents(0)]
    for name in names:
        files.replace(held.storage / name, b"rotten")
    await killed(held, "verify", "--all", has_begun=(held.storage / "damaged").exists)
    done = await commands.run("verify", "--all", environment=held.environment)
    assert done.code == 1
    assert len(list((held.storage / "damaged").iterdir())) == len(names)
    assert sorted(files.objects(held.storage).values()) == contents(1)
    lost = "SELECT count(*) AS count FROM results WHERE stored_at IS NULL AND lost_digest IS NOT NULL"
    assert (await rows.one(engine, lost))["count"] == len(names)


async def test_a_killed_browse_or_export_is_made_whole_by_the_next(held: Held, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    await killed(held, "browse", has_begun=(held.storage / "browse").exists)
    await killed(held, "export", "--to", copy, has_begun=lambda: any(copy.glob("2026/*/*/*")))
    for command in (("browse",), ("export", "--to", copy)):
        assert (await commands.run(*command, environment=held.environment)).code == 0
    assert sorted(held.browse().values()) == contents(0, 1)
    copied = stores.files(copy)
    assert len(copied.pop("manifest-sha256.txt").splitlines()) == len(copied)
    assert sorted(copied.values()) == contents(0, 1)
