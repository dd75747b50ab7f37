"""Workflows that have not ended: looked at again, kept as far as they go, given up at their deadline."""

from pathlib import Path

import pytest

from orchestration.wire import JsonObject
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, step
from tests.worker.one_workflow import CAT, DOG, again, objects, the_workflow
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


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
