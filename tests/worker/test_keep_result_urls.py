"""Signed URLs that are dead, and results that have none: asked for anew, and awaited."""

from pathlib import Path

import pytest

from orchestration.wire import JsonObject
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, in_seconds, status, step
from tests.worker.one_result import archive, objects, the_result, tries
from tests.worker.one_workflow import CAT, again
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


async def test_an_expired_url_is_refreshed_before_it_is_used(tools: Tools, civitai: Civitai) -> None:
    old, new = civitai.serves("old", status(403)), civitai.serves("new", content(CAT))
    civitai.refreshed["b"] = blob("b", new, urlExpiresAt=in_seconds(300))
    await archive(tools, civitai, blob("b", old, urlExpiresAt=in_seconds(2)))
    assert await rows.archived(tools.engine)
    assert civitai.calls == ["GET /v2/consumer/workflows/w", "POST /v2/consumer/blobs/b/refresh", "GET /new"]


@pytest.mark.parametrize("answer", [401, 403, 410])
async def test_a_url_that_dies_between_fetch_and_download_is_refreshed_at_once(
    tools: Tools, civitai: Civitai, answer: int
) -> None:
    old, new = civitai.serves("old", status(answer)), civitai.serves("new", content(CAT))
    civitai.refreshed["b"] = blob("b", new)
    await archive(tools, civitai, blob("b", old, urlExpiresAt=in_seconds(300)))
    assert await rows.archived(tools.engine)
    assert await tries(tools.engine) == []


async def test_a_blob_that_has_an_id_and_no_url_is_asked_for_by_its_id(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    civitai.refreshed["b"] = blob("b", civitai.serves("b", content(CAT)))
    await archive(tools, civitai, {"id": "b", "available": True, "url": None})
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]


async def test_an_expired_url_without_a_blob_id_waits_for_the_next_fetch(tools: Tools, civitai: Civitai) -> None:
    old = {"url": civitai.serves("old", status(403)), "urlExpiresAt": in_seconds(-60)}
    await archive(tools, civitai, old)
    result = await the_result(tools.engine)
    assert (result["blob_id"], result["settled"], result["attempts"]) == (None, 0, 1)
    assert civitai.calls == ["GET /v2/consumer/workflows/w"]

    new = {"url": civitai.serves("new", content(CAT)), "urlExpiresAt": in_seconds(300)}
    civitai.workflows["w"] = document("w", step("s", new))
    await again(tools)
    assert await rows.archived(tools.engine)


async def test_a_placeholder_behind_a_bare_url_is_told_as_one_and_not_as_an_expired_url(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archive(tools, civitai, {"url": f"{civitai.api_url}/v2/consumer/blobs/blocked/abc"})
    result = await the_result(tools.engine)
    assert (result["settled"], result["attempts"]) == (0, 1)
    assert "a placeholder came" in result["last_error"]
    assert objects(storage) == []


async def test_a_bare_url_that_is_not_there_yet_is_waited_for(tools: Tools, civitai: Civitai, storage: Path) -> None:
    def told(url: str | None) -> JsonObject:
        output = {"epochs": [{"blobName": "a.safetensors", "blobUrl": url}]}
        return document("w", {"$type": "training", "name": "s", "status": "succeeded", "output": output})

    civitai.workflows["w"] = told(None)
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert not await rows.archived(tools.engine)
    assert "not made the content available yet" in (await the_result(tools.engine))["last_error"]

    civitai.workflows["w"] = told(civitai.serves("model", content(CAT)))
    await again(tools)
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]


@pytest.mark.parametrize("answer", [404, 403, 500])
async def test_a_refresh_that_fails_is_tried_again(tools: Tools, civitai: Civitai, answer: int) -> None:
    civitai.refreshed["b"] = answer
    await archive(tools, civitai, blob("b", None))
    assert (await the_result(tools.engine))["settled"] == 0
    assert [failed["http_status"] for failed in await tries(tools.engine)] == [answer]


async def test_a_refresh_that_is_refused_for_good_buries_the_result_and_the_rest_is_archived(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    civitai.refreshed["bad"] = 400
    await archive(tools, civitai, blob("bad", None), blob("good", civitai.serves("good", content(CAT))))
    dead = await rows.one(tools.engine, "SELECT * FROM results WHERE dead_at IS NOT NULL")
    assert (dead["blob_id"], dead["attempts"]) == ("bad", 1)
    assert "would refuse it again" in dead["last_error"]
    assert await rows.archived(tools.engine)
    assert objects(storage) == [CAT]
