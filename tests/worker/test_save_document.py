"""Documents as they are saved: which takes the place of which, and what is struck from them."""

from pathlib import Path

import pytest

from orchestration.wire import JsonObject
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from tests.worker.one_workflow import CAT, DOG, everything, objects, the_workflow
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


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


async def test_text_that_no_column_holds_and_times_beyond_all_bounds_do_no_harm(tools: Tools, civitai: Civitai) -> None:
    odd = {"prompt": "\x00 and \ud800"}
    ended = {**document("w", step("one")), "metadata": odd, "tags": ["\x00"], "completedAt": "9999-12-31T23:59:59Z"}
    civitai.workflows["w"] = ended
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert (await the_workflow(tools))["last_error"] is None
    assert await rows.archived(tools.engine)
    assert await rows.select(tools.engine, "SELECT 1 FROM workflows WHERE deadline_at <= now() + interval '30 days'")
