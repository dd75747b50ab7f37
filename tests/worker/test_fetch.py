"""Gone, missing, or told: what a 404 for a workflow means."""

import hashlib

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from orchestration.wire import JsonObject
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, in_seconds, status, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT = b"\x89PNG\r\n\x1a\n and so on" * 50


async def the_workflow(engine: AsyncEngine) -> RowMapping:
    return await rows.one(engine, "SELECT * FROM workflows")


async def again(tools: Tools, *, hours: float = 0) -> None:
    """Let so much time pass and everything put off come due, then try once more."""
    earlier = {"minutes": int(hours * 60)}
    earlier_missing = "SET missing_at = missing_at - make_interval(mins => :minutes)"
    await rows.execute(tools.engine, "UPDATE workflows " + earlier_missing, **earlier)
    await rows.execute(tools.engine, "UPDATE results " + earlier_missing, **earlier)
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")


def details(*steps: JsonObject) -> JsonObject:
    return {"metadata": {"run": 7}, "createdAt": in_seconds(-60), "completedAt": in_seconds(0), "steps": list(steps)}


async def test_a_first_404_is_not_yet_civitais_word(tools: Tools, civitai: Civitai) -> None:
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert workflow["missing_at"] is not None
    assert (workflow["gone_at"], workflow["dead_at"], workflow["failures"]) == (None, None, 1)
    assert workflow["due_at"] is not None

    civitai.workflows["w"] = document("w", step("s"))
    await again(tools)
    workflow = await the_workflow(tools.engine)
    assert (workflow["missing_at"], workflow["gone_at"], workflow["archived_at"] is None) == (None, None, False)


async def test_a_404_that_stands_for_an_hour_while_a_listing_works_means_gone(tools: Tools, civitai: Civitai) -> None:
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    await again(tools, hours=0.9)
    assert (await the_workflow(tools.engine))["gone_at"] is None
    civitai.listing = 500
    await again(tools, hours=0.2)
    assert (await the_workflow(tools.engine))["gone_at"] is None
    civitai.listing = {"items": []}
    await again(tools)
    workflow = await the_workflow(tools.engine)
    assert workflow["gone_at"] is not None
    assert (workflow["due_at"], workflow["dead_at"], workflow["archived_at"]) == (None, None, None)


async def test_a_workflow_that_is_gone_does_not_take_its_results_with_it(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s", blob("b", None)))
    civitai.refreshed["b"] = 500
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    civitai.workflows["w"] = 404
    await again(tools)
    civitai.refreshed["b"] = blob("b", civitai.serves("b", content(CAT)))
    await again(tools, hours=1.1)
    workflow = await the_workflow(tools.engine)
    assert workflow["gone_at"] is not None
    assert workflow["archived_at"] is not None
    (result,) = await rows.results(tools.engine)
    assert result["object_digest"] == hashlib.sha256(CAT).digest()


async def test_a_blob_is_gone_only_when_the_api_says_so_for_an_hour(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s", blob("b", None)))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    (result,) = await rows.results(tools.engine)
    assert (result["settled"], result["missing_at"] is None) == (0, False)
    await again(tools, hours=1.1)
    (result,) = await rows.results(tools.engine)
    assert result["gone_at"] is not None
    assert (await the_workflow(tools.engine))["archived_at"] is not None


async def test_a_blob_that_was_missing_and_is_known_again_begins_a_new_hour(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s", blob("b", None)))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    civitai.refreshed["b"] = blob("b", None, available=False)
    await again(tools, hours=2)
    (result,) = await rows.results(tools.engine)
    assert (result["settled"], result["missing_at"]) == (0, None)


async def test_what_its_owner_deleted_is_gone_and_keeps_its_status(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s"))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    civitai.workflows["w"] = document("w", status="deleted")
    await rows.tell(tools.engine, "w", "failed", timestamp=in_seconds(1))
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert workflow["gone_at"] is not None
    assert (workflow["status"], workflow["document"]["status"]) == ("succeeded", "succeeded")
    assert (workflow["due_at"], workflow["archived_at"] is None) == (None, False)


async def test_an_ephemeral_workflow_is_archived_from_what_its_callback_told(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = {**document("w", step("s", status="processing"), status="processing"), "ephemeral": True}
    await rows.tell(tools.engine, "w", "processing")
    await archive_workflow(tools, "w")
    civitai.workflows["w"] = 404
    told = details(step("s", blob("b", civitai.serves("b", content(CAT)), urlExpiresAt=in_seconds(300))))
    await rows.tell(tools.engine, "w", details=told, timestamp=in_seconds(0))
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert (workflow["document_told"], workflow["ephemeral"], workflow["status"]) == (True, True, "succeeded")
    assert workflow["archived_at"] is not None
    assert (workflow["due_at"], workflow["gone_at"]) == (None, None)
    (result,) = await rows.results(tools.engine)
    assert result["object_digest"] == hashlib.sha256(CAT).digest()
    assert "POST /v2/consumer/blobs/b/refresh" not in civitai.calls


async def test_of_an_ephemeral_workflow_whose_end_nobody_told_the_ended_steps_are_kept(
    tools: Tools, civitai: Civitai
) -> None:
    civitai.workflows["w"] = document("w", step("s", status="processing"), status="processing") | {"ephemeral": True}
    await rows.tell(tools.engine, "w", status="processing")
    await archive_workflow(tools, "w")
    del civitai.workflows["w"]
    output = {"images": [blob("b", civitai.serves("b", content(CAT)), urlExpiresAt=in_seconds(300))]}
    step_event = {"$type": "step", "workflowId": "w", "name": "s", "status": "succeeded", "details": {"output": output}}
    await rows.record(tools.engine, step_event, step_event | {"name": "t", "status": "processing"})
    await again(tools)
    (result,) = await rows.results(tools.engine)
    assert result["stored_at"]
    workflow = await the_workflow(tools.engine)
    assert (workflow["document_told"], workflow["archived_at"], workflow["gone_at"]) == (True, None, None)

    await again(tools, hours=1.1)
    workflow = await the_workflow(tools.engine)
    assert (workflow["gone_at"] is None, workflow["due_at"]) == (False, None)


async def test_a_404_with_details_is_kept_as_told_and_the_api_asked_again_later(tools: Tools, civitai: Civitai) -> None:
    told = details(step("s", blob("b", civitai.serves("b", content(CAT)))))
    await rows.tell(tools.engine, "w", details=told, timestamp=in_seconds(0))
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert (workflow["document_told"], workflow["ephemeral"]) == (True, False)
    assert workflow["archived_at"] is not None
    assert workflow["due_at"] is not None

    # It was no ephemeral workflow after all: the API's own document takes the place of what was told.
    civitai.workflows["w"] = document("w", step("s", blob("b", None)))
    await again(tools)
    workflow = await the_workflow(tools.engine)
    assert (workflow["document_told"], workflow["tags"], workflow["due_at"]) == (False, ["a", "b"], None)


async def test_what_was_told_never_replaces_what_the_api_said(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s"))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    civitai.workflows["w"] = 404
    await rows.tell(tools.engine, "w", details=details(step("s"), step("t")), timestamp=in_seconds(2))
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert (workflow["document_told"], workflow["tags"]) == (False, ["a", "b"])


@pytest.mark.parametrize("hours", [0, 2])
async def test_a_404_on_refresh_does_not_end_a_result_while_its_url_lives(
    tools: Tools, civitai: Civitai, hours: float
) -> None:
    url = civitai.serves("b", status(403))
    told = details(step("s", blob("b", url, urlExpiresAt=in_seconds(3600))))
    await rows.tell(tools.engine, "w", details=told, timestamp=in_seconds(0))
    await archive_workflow(tools, "w")
    await again(tools, hours=hours)
    (result,) = await rows.results(tools.engine)
    assert (result["settled"], result["missing_at"]) == (0, None)
    civitai.serves("b", content(CAT))
    await again(tools)
    (result,) = await rows.results(tools.engine)
    assert result["stored_at"] is not None


async def test_a_404_beside_a_told_document_stands_from_its_first_answer(tools: Tools, civitai: Civitai) -> None:
    told = details(step("s", blob("b", civitai.serves("b", status(503)))))
    await rows.tell(tools.engine, "w", details=told, timestamp=in_seconds(0))
    await archive_workflow(tools, "w")
    await again(tools, hours=0.7)
    assert (await the_workflow(tools.engine))["gone_at"] is None
    await again(tools, hours=0.7)
    assert (await the_workflow(tools.engine))["gone_at"] is not None


async def test_what_the_api_knows_again_is_not_gone_and_is_looked_at_until_it_ends(
    tools: Tools, civitai: Civitai
) -> None:
    await rows.tell(tools.engine, "w", "processing")
    await archive_workflow(tools, "w")
    await again(tools, hours=1.1)
    assert (await the_workflow(tools.engine))["gone_at"] is not None
    civitai.workflows["w"] = document("w", status="processing")
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "s"})
    await archive_workflow(tools, "w")
    workflow = await the_workflow(tools.engine)
    assert workflow["gone_at"] is None
    assert workflow["due_at"] is not None
