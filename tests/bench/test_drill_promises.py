"""The judge of a drill, on an archive that really is whole, and then is not."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, settings
from bench import drill_promises
from orchestration.client import Client
from sandbox.server import Sandbox
from tests.working import eventually

Worker = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
async def archived(
    config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox, receiver: str, worker: Worker
) -> None:
    """A workflow of two pictures and one of which a result is withheld, both archived."""
    callback = access.callbacks_entry(access.callback_url(receiver, config.callback_secrets[0]))
    async with Client(config.api_url, sandbox.token) as civitai, worker():
        for play in ({}, {"withheld": "minor"}):
            step = {"$type": "textToImage", "input": {"quantity": 2}, "metadata": {"sandbox": play}}
            await civitai.submit({"steps": [step], "callbacks": [callback]}, wait=10)

        async def both_are_archived() -> bool:
            async with engine.connect() as connection:
                query = "SELECT count(*) FROM workflows WHERE archived_at IS NOT NULL AND due_at IS NULL"
                return int((await connection.execute(text(query))).scalar_one()) == 2

        await eventually(both_are_archived)


async def sentences(engine: AsyncEngine, storage: Path, sandbox: Sandbox) -> list[str]:
    verdict = await drill_promises.judge(engine, storage, sandbox.state, sandbox.chance)
    assert verdict.results == 4
    return list(verdict.sentences)


def objects(storage: Path) -> list[Path]:
    return [path for path in (storage / "objects").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("archived")
async def test_a_whole_archive_is_found_whole(engine: AsyncEngine, storage: Path, sandbox: Sandbox) -> None:
    assert await sentences(engine, storage, sandbox) == []


@pytest.mark.usefixtures("archived")
async def test_every_broken_promise_is_told(engine: AsyncEngine, storage: Path, sandbox: Sandbox) -> None:
    damaged, lost = objects(storage)
    damaged.write_bytes(b"something else")
    lost.unlink()
    (storage / "incoming" / "half").write_bytes(b"")
    (storage / "objects" / "stray").write_bytes(b"")
    for manifest in (storage / "workflows").rglob("*.json"):
        manifest.unlink()
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE results SET blocked_reason = 'whim' WHERE withheld_at IS NOT NULL"))
    told = await sentences(
        engine, storage, sandbox
    )  # the damaged bytes twice: as an object, and by its name for people
    assert sorted(sentence.partition(":")[0] for sentence in told) == sorted(
        [*["wrong"] * 5, "leftovers", "unwanted", *["missing"] * 2]
    )


@pytest.mark.usefixtures("archived")
async def test_a_result_without_a_row_and_a_workflow_without_an_end_are_told(
    engine: AsyncEngine, storage: Path, sandbox: Sandbox
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM results WHERE stored_at IS NOT NULL"))
        await connection.execute(text("UPDATE workflows SET archived_at = NULL"))
    told = "\n".join(await sentences(engine, storage, sandbox))
    assert told.count("stored was expected, it is unknown") == 2
    assert told.count("it has not come to an end") == 2
    assert told.count("no row names this file") == 2
