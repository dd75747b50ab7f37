import asyncio
from pathlib import Path
from typing import Any

import pytest

from archive import queue
from orchestration.wire import JsonObject
from tests.worker import files, rows
from tests.worker.civitai import Civitai, Gate, blob, content, document, held, in_seconds, picture, status, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT, DOG = picture(b"a cat, as bytes " * 1000), picture(b"a dog, as bytes " * 1000)
FETCH = "GET /v2/consumer/workflows/w"


async def again(tools: Tools) -> None:
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")


async def the_workflow(tools: Tools) -> dict[str, Any]:
    query = "SELECT *, due_at <= now() AS is_due, extract(epoch FROM due_at - now()) AS waits FROM workflows"
    return dict(await rows.one(tools.engine, query))


async def everything(tools: Tools) -> dict[str, list[dict[str, Any]]]:
    names = ("workflows", "steps", "jobs", "results", "objects", "attempts", "events")
    return {name: [dict(row) for row in await rows.select(tools.engine, f"TABLE {name}")] for name in names}


def objects(storage: Path) -> set[bytes]:
    return set(files.objects(storage).values())


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


@pytest.mark.parametrize("answer", [403, 404, 503])
async def test_past_its_deadline_what_was_kept_is_sealed_though_the_api_tells_nothing_more(
    tools: Tools, civitai: Civitai, answer: int
) -> None:
    good = blob("good", civitai.serves("good", content(CAT)))
    civitai.workflows["w"] = document("w", step("s", good, blob("bad", None)))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert not await rows.archived(tools.engine)

    civitai.workflows["w"] = answer
    await rows.let_time_pass(tools.engine)
    await rows.execute(tools.engine, "UPDATE workflows SET deadline_at = now() - interval '1 s'")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert (await rows.one(tools.engine, "SELECT due_at, dead_at FROM workflows")) == {"due_at": None, "dead_at": None}
    stored, dead = await rows.results(tools.engine)
    assert stored["stored_at"]
    assert dead["dead_at"]
    assert "does not know it" in dead["last_error"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(404, "does not know it"), (document("w", status="processing", days_ago=40), "still processing at its deadline")],
    ids=["never found", "never ended"],
)
async def test_past_its_deadline_a_workflow_is_dead_with_its_reason(
    tools: Tools, civitai: Civitai, answer: int | JsonObject, reason: str
) -> None:
    civitai.workflows["w"] = answer
    await rows.tell(tools.engine, "w")
    await rows.execute(tools.engine, "UPDATE workflows SET deadline_at = now() - interval '1 s'")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert workflow["dead_at"]
    assert reason in workflow["last_error"]
    assert workflow["due_at"] is None


async def test_a_workflow_that_still_runs_is_looked_at_again_though_nothing_more_is_told(
    tools: Tools, civitai: Civitai
) -> None:
    civitai.workflows["w"] = document("w", status="processing")
    await rows.tell(tools.engine, "w", "processing")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert (workflow["status"], workflow["archived_at"]) == ("processing", None)
    assert 50 < workflow["waits"] <= 60
    civitai.workflows["w"] = document("w")
    await again(tools)
    assert await rows.archived(tools.engine)


async def test_a_status_that_nobody_knows_ends_nothing(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", status="hibernating")
    await rows.tell(tools.engine, "w", "hibernating")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert (workflow["status"], workflow["archived_at"], workflow["last_error"]) == ("hibernating", None, None)
    assert workflow["waits"] > 0


async def test_results_of_a_step_that_has_ended_are_stored_while_the_workflow_runs(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    cat, dog = (blob(name, civitai.serves(name, content(body))) for name, body in (("cat", CAT), ("dog", DOG)))
    running = step("two", dog, status="processing")
    civitai.workflows["w"] = document("w", step("one", cat), running, status="processing")
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "one"})
    await archive_workflow(tools, "w")
    assert objects(storage) == {CAT}
    assert "GET /dog" not in civitai.calls
    assert (await the_workflow(tools))["archived_at"] is None

    civitai.workflows["w"] = document("w", step("one", cat), step("two", dog))
    await again(tools)
    assert objects(storage) == {CAT, DOG}
    assert civitai.calls.count("GET /cat") == 1
    assert await rows.archived(tools.engine)


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


@pytest.mark.parametrize("emptied", ["output", "input", "steps", "tags", "metadata"])
async def test_a_document_that_has_lost_what_was_paid_for_does_not_replace_one_that_tells_it(
    tools: Tools, civitai: Civitai, storage: Path, emptied: str
) -> None:
    answer = {"$type": "chatCompletion", "name": "s", "status": "succeeded", "input": {"n": 1}, "output": {"text": "a"}}
    whole = civitai.workflows["w"] = document("w", answer) | {"metadata": {"a": 1}}
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    before, manifest = await everything(tools), files.told(storage)

    less: JsonObject = (
        {"steps": [answer | {emptied: {}}]} if emptied in answer else {emptied: {} if emptied == "metadata" else []}
    )
    civitai.workflows["w"] = whole | less
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "late"})
    await archive_workflow(tools, "w")
    after = await everything(tools)
    assert (after["workflows"][0]["document"], after["steps"]) == (whole, before["steps"])
    assert files.told(storage) == manifest


async def test_a_document_that_names_less_does_not_take_the_place_of_the_one_that_is_kept(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    cat, dog = (blob(name, civitai.serves(name, content(body))) for name, body in (("cat", CAT), ("dog", DOG)))
    whole = civitai.workflows["w"] = document("w", step("one", cat, dog))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    before, manifest = await everything(tools), files.told(storage)

    lesser = [document("w", step("one", cat)), document("w"), document("w", step("one", cat, dog), status="processing")]
    for number, less in enumerate(lesser):
        civitai.workflows["w"] = less
        await rows.tell(tools.engine, "w", **{"$type": "step", "name": f"late-{number}"})
        await archive_workflow(tools, "w")
        after = await everything(tools)
        assert after["results"] == before["results"]
        assert after["steps"] == before["steps"]
        (workflow,) = after["workflows"]
        assert (workflow["document"], workflow["status"]) == (whole, "succeeded")
        assert workflow["archived_at"] == before["workflows"][0]["archived_at"]
        assert files.told(storage) == manifest

    bird = blob("bird", civitai.serves("bird", content(picture(b"a bird"))))
    more = civitai.workflows["w"] = document("w", step("one", cat, dog, bird))
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "late-more"})
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools)
    assert workflow["document"] == more
    assert workflow["archived_at"] == before["workflows"][0]["archived_at"], "when it was first whole"
    assert objects(storage) == {CAT, DOG, picture(b"a bird")}


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


async def test_a_manifest_tells_what_became_of_every_result(tools: Tools, civitai: Civitai, storage: Path) -> None:
    cat = blob("cat", civitai.serves("cat", content(CAT)))
    withheld = {"id": "no", "type": "image", "available": False, "blockedReason": "moderated"}
    dead = blob("dead", None)
    civitai.refreshed["dead"] = 400
    slow = blob("slow", civitai.serves("slow", status(503)))
    told = civitai.workflows["w"] = document("w", step("one", cat, withheld, dead, slow))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")

    manifest = files.manifest(storage)
    assert manifest["document"] == told
    assert manifest["workflowId"] == "w"
    by_id = {result["blobId"]: result for result in manifest["results"]}
    assert [result["path"] for result in manifest["results"]] == [f"output.images[{number}]" for number in range(4)]
    assert (by_id["cat"]["size"], by_id["cat"]["mediaType"]) == (len(CAT), "image/png")
    assert files.objects(storage)[by_id["cat"]["digest"]] == CAT
    assert by_id["cat"]["storedAt"]
    assert by_id["no"]["withheldAt"]
    assert by_id["no"]["blockedReason"] == "moderated"
    assert by_id["dead"]["deadAt"]
    assert "HTTP 400" in by_id["dead"]["lastError"]
    settled = {"storedAt", "withheldAt", "goneAt", "deadAt"}
    assert not settled & by_id["slow"].keys(), "siblings of what takes days are safe already"
    assert not await rows.archived(tools.engine)

    civitai.serves("slow", content(DOG))
    await again(tools)
    assert await rows.archived(tools.engine)
    assert [bool(settled & result.keys()) for result in files.manifest(storage)["results"]] == [True] * 4


async def test_a_callback_s_secret_is_struck_from_the_document(tools: Tools, civitai: Civitai, storage: Path) -> None:
    url = "https://archive.example/callbacks?token=confidential&run=7"
    civitai.workflows["w"] = {**document("w"), "callbacks": [{"url": url}], "callbackUrl": url}
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    manifest = repr(files.manifest(storage))
    assert "run=7" in manifest
    assert "confidential" not in manifest
    assert "confidential" not in repr(await everything(tools))


async def test_a_result_that_is_a_text_is_archived_as_the_document_it_is(tools: Tools, civitai: Civitai) -> None:
    said = {"choices": [{"message": {"content": "see https://example.org/cat.png"}}]}
    chat = {"$type": "chatCompletion", "name": "chat", "status": "succeeded", "input": {}, "output": said}
    civitai.workflows["w"] = document("w", chat)
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    assert (await rows.one(tools.engine, "SELECT output FROM steps"))["output"] == said
    assert await rows.results(tools.engine) == []


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


async def test_text_that_no_column_holds_and_times_beyond_all_bounds_do_no_harm(tools: Tools, civitai: Civitai) -> None:
    odd = {"prompt": "\x00 and \ud800"}
    ended = {**document("w", step("one")), "metadata": odd, "tags": ["\x00"], "completedAt": "9999-12-31T23:59:59Z"}
    civitai.workflows["w"] = ended
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert (await the_workflow(tools))["last_error"] is None
    assert await rows.archived(tools.engine)
    assert await rows.select(tools.engine, "SELECT 1 FROM workflows WHERE deadline_at <= now() + interval '30 days'")


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
