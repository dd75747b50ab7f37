import asyncio
import dataclasses
import hashlib
from pathlib import Path

import pytest

from orchestration import blobs
from tests.worker import civitai as misbehaving
from tests.worker import files, rows
from tests.worker.civitai import Answer, Civitai, blob, content, document, status, step
from tests.worker.one_result import archive, objects, the_result, tries
from tests.worker.one_workflow import CAT, again
from worker.archive_workflow import archive_workflow
from worker.slots import Slots
from worker.tools import Tools


async def test_a_result_lies_under_its_digest_before_its_row_says_so(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archive(tools, civitai, blob("b", civitai.serves("b", content(CAT, media_type="Image/PNG; q=1"))))
    kept = await rows.one(
        tools.engine, "SELECT * FROM results JOIN objects ON digest = object_digest WHERE results.stored_at IS NOT NULL"
    )
    assert kept["digest"] == hashlib.sha256(CAT).digest()
    assert (kept["size"], kept["media_type"], kept["kind"]) == (len(CAT), "image/png", "image")
    digest = hashlib.sha256(CAT).hexdigest()
    assert (storage / "objects" / "sha256" / digest[:2] / digest[2:4] / digest).read_bytes() == CAT


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (content(CAT, promised=len(CAT) + 1), "did not come as long as it was promised"),
        (misbehaving.broken_chunks(CAT), "did not come as long as it was promised"),
        (content(b""), "it is empty"),
    ],
    ids=["shorter", "broken", "empty"],
)
async def test_a_body_that_lies_about_its_length_is_never_stored(
    tools: Tools, civitai: Civitai, storage: Path, lie: Answer, told: str
) -> None:
    await archive(tools, civitai, blob("b", civitai.serves("b", lie)))
    result = await the_result(tools.engine)
    assert (result["settled"], result["attempts"], result["object_digest"]) == (0, 1, None)
    assert (objects(storage), files.half_received(storage)) == ([], [])
    assert await rows.select(tools.engine, "SELECT * FROM objects") == []
    (failed,) = await tries(tools.engine)
    assert (failed["workflow_id"], failed["step"], failed["path"]) == ("w", "s", "output.images[0]")
    assert told in failed["error"]
    assert failed["error"] == result["last_error"]
    assert 0 <= failed["seconds"] < 10

    civitai.serves("b", content(CAT))
    await again(tools)
    assert objects(storage) == [CAT]
    assert await rows.archived(tools.engine)
    assert (await the_result(tools.engine))["last_error"] is None


async def test_what_a_host_sends_beyond_the_promised_length_is_never_stored(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archive(tools, civitai, blob("b", civitai.serves("b", content(CAT + b"and a dog", promised=len(CAT)))))
    kept = [content for content in objects(storage) if content != CAT]
    assert (kept, files.half_received(storage)) == ([], [])


@pytest.mark.parametrize("answer", [404, 410, 400, 401, 403, 429, 500, 503, 206])
async def test_no_answer_of_a_storage_host_ends_a_result(tools: Tools, civitai: Civitai, answer: int) -> None:
    refused = civitai.refreshed["b"] = blob("b", civitai.serves("b", status(answer)))
    for tried in range(1, 4):
        await (again(tools) if tried > 1 else archive(tools, civitai, refused))
        result = await the_result(tools.engine)
        assert (result["settled"], result["attempts"]) == (0, tried)
    assert [failed["http_status"] for failed in await tries(tools.engine)] == [answer] * 3
    workflow = await rows.one(tools.engine, "SELECT *, due_at > now() AS waits FROM workflows")
    assert (workflow["archived_at"], workflow["dead_at"], workflow["leased_until"]) == (None, None, None)
    assert workflow["waits"]


async def test_silence_and_a_closed_door_end_nothing(tools: Tools, civitai: Civitai) -> None:
    silent = blob("b", civitai.serves("b", misbehaving.silence))
    closed = blob("c", "http://127.0.0.1:1/c")
    async with blobs.BlobClient(stall=0.2) as impatient:
        await archive(dataclasses.replace(tools, blobs=impatient), civitai, silent, closed)
    assert [(result["settled"], result["attempts"]) for result in await rows.results(tools.engine)] == [(0, 1), (0, 1)]
    assert {failed["http_status"] for failed in await tries(tools.engine)} == {None}


async def test_the_storage_host_s_wish_for_a_pause_is_heard(tools: Tools, civitai: Civitai) -> None:
    await archive(tools, civitai, blob("b", civitai.serves("b", status(503, "Retry-After: 600"))))
    result = await rows.one(tools.engine, "SELECT next_attempt_at - now() > interval '590 s' AS late FROM results")
    assert result["late"]
    assert await rows.select(tools.engine, "SELECT 1 FROM workflows JOIN results ON due_at = next_attempt_at")


async def test_what_the_document_says_is_blocked_is_withheld_and_no_error(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    placeholder = civitai.serves("blocked", content(b"a placeholder"))
    good = blob("good", civitai.serves("good", content(CAT)))
    await archive(tools, civitai, blob("b", placeholder, available=False, blockedReason="moderated"), good)
    withheld = await rows.one(tools.engine, "SELECT * FROM results WHERE withheld_at IS NOT NULL")
    assert (withheld["blob_id"], withheld["blocked_reason"], withheld["attempts"]) == ("b", "moderated", 0)
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]
    assert await tries(tools.engine) == []


async def test_what_the_refresh_says_is_blocked_is_withheld(tools: Tools, civitai: Civitai) -> None:
    civitai.refreshed["b"] = {"id": "b", "available": False, "url": None, "blockedReason": "moderated"}
    await archive(tools, civitai, blob("b", civitai.serves("b", status(403))))
    result = await the_result(tools.engine)
    assert (result["blocked_reason"], result["settled"]) == ("moderated", 1)
    assert result["withheld_at"]
    assert await rows.archived(tools.engine)


@pytest.mark.parametrize("url", [None, "early"], ids=["without a URL", "with a URL already"])
async def test_what_is_not_available_yet_is_waited_for(
    tools: Tools, civitai: Civitai, storage: Path, url: str | None
) -> None:
    not_yet = blob("b", url and civitai.serves(url, content(b"a placeholder")), available=False)
    civitai.refreshed["b"] = not_yet
    await archive(tools, civitai, not_yet)
    assert (await the_result(tools.engine))["settled"] == 0
    assert not await rows.archived(tools.engine)
    assert objects(storage) == []

    ready = blob("b", civitai.serves("ready", content(CAT)))
    civitai.workflows["w"], civitai.refreshed["b"] = document("w", step("s", ready)), ready
    await again(tools)
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]


async def test_past_the_deadline_a_result_is_dead_with_its_reason_and_the_rest_is_archived(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    bad = blob("bad", civitai.serves("bad", status(404)))
    good = blob("good", civitai.serves("good", content(CAT)))
    await archive(tools, civitai, bad, good, days_ago=31)
    assert not await rows.archived(tools.engine), "it is tried at least twice: the deadline is first learned"
    await again(tools)
    dead = await rows.one(tools.engine, "SELECT * FROM results WHERE dead_at IS NOT NULL")
    assert (dead["blob_id"], dead["attempts"]) == ("bad", 2)
    assert "HTTP 404" in dead["last_error"]
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]


async def test_a_blob_of_two_workflows_is_downloaded_once(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archive(tools, civitai, blob("shared", civitai.serves("first", content(CAT))))
    civitai.workflows["v"] = document("v", step("s", blob("shared", civitai.serves("second", content(CAT)))))
    await rows.tell(tools.engine, "v")
    await archive_workflow(tools, "v")
    assert await rows.archived(tools.engine, 2)
    assert "GET /second" not in civitai.calls
    digests = await rows.select(tools.engine, "SELECT object_digest FROM results")
    assert [row["object_digest"] for row in digests] == [hashlib.sha256(CAT).digest()] * 2
    assert objects(storage) == [CAT]


async def test_the_same_bytes_under_two_ids_are_one_object(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archive(tools, civitai, *(blob(name, civitai.serves(name, content(CAT))) for name in ("a", "b", "c")))
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]


async def test_no_more_is_downloaded_at_once_than_there_are_slots(tools: Tools, civitai: Civitai) -> None:
    gate = misbehaving.Gate()
    found = [blob(f"b{n}", civitai.serves(f"b{n}", misbehaving.held(CAT + b"%d" % n, gate))) for n in range(6)]
    narrow = dataclasses.replace(tools, slots=Slots(at_once=2))
    archiving = asyncio.create_task(archive(narrow, civitai, *found))
    await gate.arrived.wait()
    await asyncio.sleep(0.2)
    assert len(civitai.heads) == 2
    gate.opened.set()
    await archiving
    assert await rows.archived(tools.engine)


async def test_a_signature_is_never_written_with_an_error(tools: Tools, civitai: Civitai) -> None:
    await archive(tools, civitai, blob("b", civitai.serves("b?sig=confidential", status(500))))
    (failed,) = await tries(tools.engine)
    assert "HTTP 500" in failed["error"]
    assert "confidential" not in failed["error"]


async def test_a_blob_in_many_places_is_tried_for_each_and_then_put_off_for_all(tools: Tools, civitai: Civitai) -> None:
    url = civitai.serves("b", status(503))
    await archive(tools, civitai, *(blob("b", url) for _ in range(5)))
    assert [result["attempts"] for result in await rows.results(tools.engine)] == [1] * 5
    waits = await rows.one(tools.engine, "SELECT due_at > now() AS later FROM workflows")
    assert waits["later"], "nothing is left that would be tried again at once"

    civitai.serves("b", content(CAT))
    await again(tools)
    assert civitai.calls.count("GET /b") == 6, "what is stored for one place is stored for all"
    assert await rows.archived(tools.engine)
