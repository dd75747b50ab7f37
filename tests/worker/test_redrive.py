"""Redrive, the whole way: nothing blocks it, and nothing that was known is lost."""

from pathlib import Path

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix, result_key_prefix

from archive import queue, redrive
from archive.redrive import Choice
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from tests.working import eventually, worker
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT, DOG = picture(b"a cat"), picture(b"a dog")
THE_FIRST = Choice(workflow_id="w")


async def make_due(tools: Tools, choice: Choice = THE_FIRST) -> redrive.Redriven:
    async with tools.engine.begin() as connection:
        return await redrive.make_due(connection, choice, await redrive.chosen(connection, choice))


async def archived_with_a_dead_result(tools: Tools, civitai: Civitai) -> None:
    """A workflow whose cat is stored, and whose dog is dead since the deadline passed."""
    cat = blob("cat", civitai.serves("cat", content(CAT)))
    civitai.workflows["w"] = document("w", step("s", cat, blob("dog", None)))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    await rows.let_time_pass(tools.engine)
    await rows.execute(tools.engine, "UPDATE workflows SET deadline_at = now() - interval '1 day'")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert [row["dead_at"] is None for row in await rows.results(tools.engine)] == [True, False]


async def everything_is_stored(tools: Tools) -> bool:
    stored = all(result["stored_at"] for result in await rows.results(tools.engine))
    return stored and await rows.archived(tools.engine)


async def test_an_expired_deadline_and_an_earlier_success_block_nothing(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived_with_a_dead_result(tools, civitai)
    tried = len(await rows.select(tools.engine, "SELECT id FROM attempts"))
    assert await make_due(tools) == redrive.Redriven(1, 1)
    await archive_workflow(tools, "w")  # fails once more
    (_, dog) = await rows.results(tools.engine)
    assert (dog["dead_at"], dog["attempts"]) == (None, 1), "there is time for another try"
    assert len(await rows.select(tools.engine, "SELECT id FROM attempts")) == tried + 1

    civitai.refreshed["dog"] = blob("dog", civitai.serves("dog", content(DOG)))
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert set(files.objects(storage).values()) == {CAT, DOG}
    assert civitai.calls.count("GET /cat") == 1


async def test_nothing_that_redis_remembers_blocks_it(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archived_with_a_dead_result(tools, civitai)
    civitai.refreshed["dog"] = blob("dog", civitai.serves("dog", content(DOG)))
    await queue.ring(tools.redis, ["w"])  # a message that was never taken
    for prefix in (in_progress_key_prefix, result_key_prefix, job_key_prefix):
        await tools.redis.set(prefix + "w", b"1")
    await make_due(tools)
    async with worker(tools.config):
        await eventually(lambda: everything_is_stored(tools))
    assert set(files.objects(storage).values()) == {CAT, DOG}


@pytest.mark.parametrize("answer", [404, 503, "emptier"])
async def test_a_fetch_after_the_thirtieth_day_takes_nothing_away(
    tools: Tools, civitai: Civitai, storage: Path, answer: int | str
) -> None:
    await archived_with_a_dead_result(tools, civitai)
    kept = "SELECT document, status, tags, completed_at, archived_at FROM workflows"
    stored = "SELECT path, blob_id, url, object_digest, stored_at FROM results WHERE blob_id = 'cat'"
    queries = (kept, stored, "TABLE steps")
    before = [await rows.one(tools.engine, query) for query in queries]
    manifest = files.manifest(storage)
    civitai.workflows["w"] = document("w", step("s")) if answer == "emptier" else int(answer)
    await make_due(tools)
    for _ in range(3):
        await archive_workflow(tools, "w")
        await rows.let_time_pass(tools.engine)
    assert [await rows.one(tools.engine, query) for query in queries] == before
    assert files.manifest(storage)["document"] == manifest["document"]
    assert files.manifest(storage)["results"][0] == manifest["results"][0]


async def test_what_was_withheld_is_asked_for_again_and_stored_once_it_is_released(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    held_back = blob("cat", None, blockedReason="csam") | {"available": False}
    civitai.workflows["w"] = document("w", step("s", held_back))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    (result,) = await rows.results(tools.engine)
    assert result["withheld_at"]

    civitai.workflows["w"] = document("w", step("s", blob("cat", civitai.serves("cat", content(CAT)))))
    await make_due(tools, Choice(blob_id="cat"))
    await archive_workflow(tools, "w")
    assert set(files.objects(storage).values()) == {CAT}


async def test_a_workflow_that_was_dead_or_gone_is_archived_when_civitai_knows_it_after_all(
    tools: Tools, civitai: Civitai
) -> None:
    for number, how in enumerate(("dead_at", "gone_at")):
        await rows.tell(tools.engine, how)
        await rows.execute(tools.engine, f"UPDATE workflows SET {how} = now(), due_at = NULL WHERE id = :id", id=how)  # noqa: S608
        civitai.workflows[how] = document(how)
        await make_due(tools, Choice(workflow_id=how))
        await archive_workflow(tools, how)
        assert await rows.archived(tools.engine, number + 1)
    assert (
        await rows.select(tools.engine, "SELECT id FROM workflows WHERE dead_at IS NOT NULL OR gone_at IS NOT NULL")
        == []
    )
