"""Steps and jobs: what the document says of them, beside what callbacks told."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import steps
from orchestration import documents
from tests.archive.factories import due_workflow, job_event, rows, told

JOB = {"id": "job", "status": "failed", "startedAt": "2026-11-22T05:00:00Z", "provider": "gpu-1"}
STEP = {
    "$type": "textToImage",
    "name": "step",
    "status": "failed",
    "startedAt": "2026-11-22T05:00:00Z",
    "cost": 3.5,
    "input": {"engine": "flux", "prompt": "\x00 cats \ud800"},
    "output": {"images": [{"type": "image", "id": "b", "available": True, "url": "https://x/b"}], "seed": 7},
    "jobs": [JOB],
}


async def save(engine: AsyncEngine, *of_steps: dict[str, Any]) -> None:
    async with engine.begin() as connection:
        await steps.save(connection, "wf", documents.read({"id": "wf", "steps": list(of_steps)}))


async def test_a_step_is_kept_without_the_blobs_that_are_rows_of_results(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    await save(engine, STEP)
    ((cost, *others),) = await rows(
        engine, "SELECT cost, name, position, type, engine, status, input, output, completed_at FROM steps"
    )
    assert float(cost) == 3.5
    assert others == [
        "step",
        0,
        "textToImage",
        "flux",
        "failed",
        {"engine": "flux", "prompt": "\ufffd cats \ufffd"},
        {"images": [], "seed": 7},
        None,
    ]


async def test_a_step_is_saved_again_as_it_is_now_and_none_is_removed(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    await save(engine, STEP, {"name": "second", "status": "processing"})
    await save(engine, {"name": "second", "status": "succeeded"})
    assert await rows(engine, "SELECT name, position, status FROM steps ORDER BY name") == [
        ("second", 0, "succeeded"),
        ("step", 0, "failed"),
    ]


async def test_saving_a_document_never_erases_what_a_callback_told_of_a_job(engine: AsyncEngine) -> None:
    await told(engine, job_event("wf", "failed", reason="bad luck", blockedReason="minor"))
    await save(engine, STEP)
    assert await rows(engine, "SELECT status, told_status, reason, blocked_reason, provider FROM jobs") == [
        ("failed", "failed", "bad luck", "minor", "gpu-1")
    ]


async def test_a_callback_after_the_document_adds_its_reason_and_changes_nothing_else(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    await save(engine, STEP)
    columns = "SELECT step_name, status, provider, started_at, document FROM jobs"
    before = await rows(engine, columns)
    await told(engine, job_event("wf", "failed", reason="bad luck"))
    assert await rows(engine, columns) == before
    assert await rows(engine, "SELECT told_status, reason FROM jobs") == [("failed", "bad luck")]


async def test_the_same_job_twice_in_a_document_is_one_row(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    await save(engine, {"name": "step", "jobs": [JOB, {"id": "job", "status": "succeeded"}]})
    assert await rows(engine, "SELECT id, status FROM jobs") == [("job", "succeeded")]


async def test_a_workflow_without_steps_is_fine(engine: AsyncEngine) -> None:
    await save(engine)
    assert await rows(engine, "SELECT * FROM steps") == []


async def test_a_reason_that_a_document_carries_is_kept_in_any_order(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    carrying = {**STEP, "jobs": [{**JOB, "reason": "out of memory", "blockedReason": None}]}
    await save(engine, carrying)
    await told(engine, job_event("wf", "failed", reason="bad luck"))
    first = await rows(engine, "SELECT reason, blocked_reason FROM jobs")
    await save(engine, {**STEP, "jobs": [JOB]})
    await save(engine, carrying)
    assert first == await rows(engine, "SELECT reason, blocked_reason FROM jobs") == [("out of memory", None)]
