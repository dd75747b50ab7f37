"""What an event obliges to: which of them make a workflow due."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive.factories import job_event, rows, step_event, told, workflow_event

EARLY, LATE = "2026-11-22T05:00:00Z", "2026-11-22T05:00:01Z"


async def test_the_first_heard_of_a_workflow_makes_it_due_whatever_is_told(engine: AsyncEngine) -> None:
    for number, body in enumerate(
        [workflow_event("", "processing"), step_event("", "preparing"), job_event("", "processing"), {"status": None}]
    ):
        workflow_id = f"wf{number}"
        assert await told(engine, {**body, "workflowId": workflow_id}) == [workflow_id]
        assert await rows(
            engine, "SELECT due_at = heard_at, last_event_id, origin FROM workflows WHERE id = :id", id=workflow_id
        ) == [(True, None, "callback")]


async def nothing_owed(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("wf", "scheduled", EARLY))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET due_at = NULL"))


@pytest.mark.parametrize(
    "body",
    [
        workflow_event("wf", "processing", EARLY),
        step_event("wf", "processing"),
        step_event("wf", "deleted"),
        job_event("wf", "processing", progress=0.25),
        job_event("wf", "succeeded"),
        job_event("wf", "failed", reason="no"),
    ],
)
async def test_progress_and_the_end_of_a_job_oblige_to_nothing(engine: AsyncEngine, body: dict[str, Any]) -> None:
    await nothing_owed(engine)
    assert await told(engine, body) == []
    assert await rows(engine, "SELECT due_at, last_event_id FROM workflows") == [(None, None)]


@pytest.mark.parametrize("status", ["succeeded", "failed", "expired", "canceled", "Succeeded"])
@pytest.mark.parametrize("event", [workflow_event, step_event])
async def test_the_end_of_a_workflow_or_of_a_step_makes_it_due(engine: AsyncEngine, event: Any, status: str) -> None:
    await nothing_owed(engine)
    assert await told(engine, event("wf", status)) == ["wf"]
    assert await rows(
        engine, "SELECT due_at <= now(), last_event_id = (SELECT max(id) FROM events) FROM workflows"
    ) == [(True, True)]


async def test_a_duplicate_of_the_end_is_counted_and_obliges_to_nothing(engine: AsyncEngine) -> None:
    await nothing_owed(engine)
    end = workflow_event("wf", "succeeded", LATE)
    await told(engine, end)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET due_at = NULL"))
    before = await rows(engine, "SELECT * FROM workflows")
    assert await told(engine, end, end) == []
    assert await rows(engine, "SELECT * FROM workflows") == before
    assert await rows(
        engine, "SELECT deliveries, last_received_at > first_received_at FROM events WHERE status = 'succeeded'"
    ) == [(3, True)]


async def test_a_workflow_that_waits_for_its_next_try_becomes_due_at_once(engine: AsyncEngine) -> None:
    await nothing_owed(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET due_at = now() + interval '1 hour'"))
    assert await told(engine, workflow_event("wf", "succeeded", LATE)) == ["wf"]
    assert await rows(engine, "SELECT due_at <= now() FROM workflows") == [(True,)]


async def test_what_has_been_due_for_long_stays_due_since_then(engine: AsyncEngine) -> None:
    await nothing_owed(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET due_at = now() - interval '1 hour'"))
    await told(engine, workflow_event("wf", "succeeded", LATE))
    assert await rows(engine, "SELECT due_at < now() - interval '59 min' FROM workflows") == [(True,)]
