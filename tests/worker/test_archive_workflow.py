import asyncio
from pathlib import Path

import pytest

from archive import queue
from tests.worker import files, rows
from tests.worker.civitai import Civitai, Gate, blob, content, document, held, in_seconds, picture, step
from tests.worker.one_workflow import CAT, DOG, FETCH, again, everything, objects, the_workflow
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


async def test_what_nobody_is_owed_is_not_touched(tools: Tools, civitai: Civitai) -> None:
    await archive_workflow(tools, "never heard of")
    civitai.workflows["w"] = document("w")
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    before = await everything(tools)
    await archive_workflow(tools, "w")
    assert await everything(tools) == before
    assert civitai.calls == [FETCH]


@pytest.mark.parametrize("moment", ["fetch", "download"])
async def test_an_event_that_arrives_while_its_workflow_is_archived_is_not_lost(
    tools: Tools, civitai: Civitai, storage: Path, moment: str
) -> None:
    gate = civitai.gate(FETCH) if moment == "fetch" else Gate()
    cat = blob("cat", civitai.serves("cat", held(CAT, gate) if moment == "download" else content(CAT)))
    civitai.workflows["w"] = document("w", step("one", cat))
    await rows.tell(tools.engine, "w")
    archiving = asyncio.create_task(archive_workflow(tools, "w"))
    await gate.arrived.wait()

    assert await rows.tell(tools.engine, "w", **{"$type": "step", "name": "two"}) == ["w"]
    await archive_workflow(tools, "w")  # the bell rings, while another has it
    dog = blob("dog", civitai.serves("dog", content(DOG)))
    gate.opened.set()
    await archiving
    assert (await the_workflow(tools))["is_due"]
    assert await queue.waiting(tools.redis) == 1, "and the bell rings again"

    civitai.workflows["w"] = document("w", step("one", cat), step("two", dog))
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert objects(storage) == {CAT, DOG}
    assert civitai.calls.count(FETCH) == 2
    assert (await the_workflow(tools))["due_at"] is None


@pytest.mark.parametrize("moment", ["fetch", "failing fetch", "download", "failing download"])
async def test_an_overtaken_owner_writes_nothing(tools: Tools, civitai: Civitai, storage: Path, moment: str) -> None:
    gate = civitai.gate(FETCH) if "fetch" in moment else Gate()
    promised = len(CAT) + 1 if moment == "failing download" else len(CAT)
    answer = held(CAT, gate, promised=promised) if "download" in moment else content(CAT)
    cat = blob("cat", civitai.serves("cat", answer))
    civitai.workflows["w"] = document("w", step("one", cat))
    await rows.tell(tools.engine, "w")
    overtaken = asyncio.create_task(archive_workflow(tools, "w"))
    await gate.arrived.wait()

    civitai.gates.clear()
    civitai.serves("cat", content(DOG))
    await rows.execute(tools.engine, "UPDATE workflows SET leased_until = now() - interval '1 s'")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    before, manifest = await everything(tools), files.told(storage)

    civitai.workflows["w"] = 500 if moment == "failing fetch" else document("w", step("new", cat), status="failed")
    gate.opened.set()
    await overtaken
    assert await everything(tools) == before
    assert files.told(storage) == manifest
    assert files.half_received(storage) == []


async def test_a_cancelled_owner_gives_the_workflow_back_at_once(tools: Tools, civitai: Civitai, storage: Path) -> None:
    gate = Gate()
    civitai.workflows["w"] = document("w", step("one", blob("cat", civitai.serves("cat", held(CAT, gate)))))
    await rows.tell(tools.engine, "w")
    archiving = asyncio.create_task(archive_workflow(tools, "w"))
    await gate.arrived.wait()
    archiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await archiving
    workflow = await the_workflow(tools)
    assert workflow["leased_until"] is None
    assert workflow["is_due"]
    assert files.half_received(storage) == []
    gate.opened.set()
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)


@pytest.mark.parametrize("answer", [404, 403, 409, 500, 503])
async def test_a_fetch_that_fails_is_a_row_and_is_tried_again(tools: Tools, civitai: Civitai, answer: int) -> None:
    civitai.workflows["w"] = answer
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert (workflow["dead_at"], workflow["gone_at"], workflow["failures"]) == (None, None, 1)
    assert 0 < workflow["waits"] <= 2
    failed = await rows.one(tools.engine, "SELECT * FROM attempts")
    assert (failed["workflow_id"], failed["step"], failed["path"], failed["http_status"]) == ("w", None, None, answer)
    assert failed["error"] == workflow["last_error"]

    await again(tools)
    assert (await the_workflow(tools))["failures"] == 2
    civitai.workflows["w"] = document("w")
    await again(tools)
    workflow = await the_workflow(tools)
    assert workflow["archived_at"]
    assert (workflow["failures"], workflow["last_error"]) == (0, None)


async def test_a_refusal_for_good_buries_the_workflow_until_there_is_news(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = 400
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert (workflow["due_at"], workflow["leased_until"]) == (None, None)
    assert workflow["dead_at"]
    assert "HTTP 400" in workflow["last_error"]

    civitai.workflows["w"] = document("w")
    assert await rows.tell(tools.engine, "w", **{"$type": "step", "name": "s"}) == ["w"]
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert workflow["archived_at"]
    assert workflow["dead_at"] is None


@pytest.mark.parametrize("ending", ["succeeded", "failed", "expired", "canceled"])
async def test_every_end_is_archived_with_what_there_is(
    tools: Tools, civitai: Civitai, storage: Path, ending: str
) -> None:
    cat = blob("cat", civitai.serves("cat", content(CAT)))
    civitai.workflows["w"] = document("w", step("one", cat), status=ending)
    await rows.tell(tools.engine, "w", ending)
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert objects(storage) == {CAT}


async def test_news_of_what_is_archived_is_looked_at_and_nothing_is_downloaded_again(
    tools: Tools, civitai: Civitai
) -> None:
    civitai.workflows["w"] = document("w", step("one", blob("cat", civitai.serves("cat", content(CAT)))))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    before = await the_workflow(tools)
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "one"})
    await archive_workflow(tools, "w")
    assert civitai.calls == [FETCH, "GET /cat", FETCH]
    assert (await the_workflow(tools))["archived_at"] == before["archived_at"]


async def test_hundreds_of_frames_are_kept_at_once(tools: Tools, civitai: Civitai, storage: Path) -> None:
    frames = [blob(f"b{n}", civitai.serves(f"b{n}", content(picture(b"frame %d" % n)))) for n in range(200)]
    civitai.workflows["w"] = document("w", step("film", *frames))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert objects(storage) == {picture(b"frame %d" % n) for n in range(200)}


@pytest.mark.parametrize("strange", ["../../etc/passwd", "w/ä?b#c%2F d", "a" * 512, "..."])
async def test_an_id_can_be_any_text(tools: Tools, civitai: Civitai, storage: Path, strange: str) -> None:
    civitai.workflows[strange] = document(strange)
    await rows.tell(tools.engine, strange)
    await archive_workflow(tools, strange)
    assert (await the_workflow(tools))["last_error"] is None
    assert await rows.archived(tools.engine)
    assert files.manifest(storage)["workflowId"] == strange


@pytest.mark.parametrize("dots", [".", ".."])
async def test_an_id_that_a_server_would_take_for_a_way_up_is_asked_of_nobody(
    tools: Tools, civitai: Civitai, dots: str
) -> None:
    await rows.tell(tools.engine, dots)
    await archive_workflow(tools, dots)
    told = await the_workflow(tools)
    assert civitai.calls == []
    assert told["dead_at"] is not None
    assert "cannot be an id" in told["last_error"]


async def test_a_storage_that_cannot_be_written_is_tried_again(tools: Tools, civitai: Civitai, storage: Path) -> None:
    aside = await asyncio.to_thread(storage.rename, storage.with_name("aside"))
    await asyncio.to_thread(storage.write_text, "a file where the directory belongs")
    cat = blob("cat", civitai.serves("cat", content(CAT)), urlExpiresAt=in_seconds(300))
    civitai.workflows["w"] = document("w", step("one", cat))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert (workflow["archived_at"], workflow["dead_at"]) == (None, None)
    assert workflow["waits"] > 0
    await asyncio.to_thread(storage.unlink)
    await asyncio.to_thread(aside.rename, storage)
    await again(tools)
    assert await rows.archived(tools.engine)
    assert objects(storage) == {CAT}
