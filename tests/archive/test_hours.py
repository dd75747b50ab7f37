"""Counting by the hour: right whatever the order of events and counts, and again when something changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events, hours
from tests.archive.factories import delivery, due_workflow, job_event, rows, workflow_event

HOUR = (datetime.now(UTC) - timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)
OLD = HOUR + timedelta(minutes=30)
JUST_BEFORE = (OLD - timedelta(seconds=2)).isoformat()


async def record(engine: AsyncEngine, *bodies: dict[str, Any], at: datetime | None, source: str = "first") -> None:
    async with engine.begin() as connection:
        told = [delivery(body, source=source) for body in bodies]
        await events.record(connection, [events.Delivery(one.event, one.source, {}, one.body, at) for one in told])


async def due(engine: AsyncEngine) -> set[datetime]:
    async with engine.begin() as connection:
        await hours.add_missing(connection)
        return set(await hours.due(connection))


async def count_due(engine: AsyncEngine) -> None:
    for hour in await due(engine):
        async with engine.begin() as connection:
            assert await hours.count(connection, hour)


async def test_two_bodies_of_one_fact_count_once_and_repeated_deliveries_are_told_apart(engine: AsyncEngine) -> None:
    end = workflow_event("wf", "succeeded", JUST_BEFORE)
    await record(engine, end, at=OLD)
    await record(engine, end | {"details": {"createdAt": None}}, at=OLD + timedelta(seconds=1))
    await record(engine, end, at=OLD + timedelta(seconds=2))
    await record(engine, *(job_event("wf", "processing", progress=part) for part in (0.1, 0.2)), at=OLD)
    await count_due(engine)
    query = "SELECT hour, scope, events, facts, deliveries, p50_latency_seconds FROM callback_hours ORDER BY scope"
    assert await rows(engine, query) == [(HOUR, "job", 2, 1, 2, None), (HOUR, "workflow", 2, 1, 3, 2.5)]


async def test_a_fact_counts_in_the_hour_in_which_it_was_first_told(engine: AsyncEngine) -> None:
    end = workflow_event("wf", "succeeded", JUST_BEFORE)
    await record(engine, end | {"details": {}}, at=OLD + timedelta(hours=1))
    await record(engine, end, at=OLD)
    await count_due(engine)
    query = "SELECT hour, facts FROM callback_hours ORDER BY hour"
    assert await rows(engine, query) == [(HOUR, 1), (HOUR + timedelta(hours=1), 0)]


async def test_the_newest_hours_are_due_at_every_run_and_older_ones_once(engine: AsyncEngine) -> None:
    await record(engine, workflow_event("wf", "succeeded"), at=OLD)
    assert min(await due(engine)) == HOUR
    await count_due(engine)
    again = await due(engine)
    assert 1 <= len(again) <= 3
    assert min(again) > datetime.now(UTC) - timedelta(hours=3)


async def test_what_comes_late_or_again_has_its_hour_counted_again(engine: AsyncEngine) -> None:
    first = workflow_event("wf", "processing", JUST_BEFORE)
    await record(engine, first, at=OLD)
    await count_due(engine)
    await record(engine, workflow_event("other", "succeeded"), at=OLD)
    assert HOUR in await due(engine)
    await count_due(engine)
    await record(engine, first, at=None)  # long after, by HTTP
    assert HOUR in await due(engine)
    await count_due(engine)
    assert await rows(engine, "SELECT events, deliveries FROM callback_hours WHERE hour = :hour", hour=HOUR) == [(2, 3)]
    assert await rows(engine, "SELECT * FROM recounts") == []


async def test_what_commits_while_its_hour_is_counted_is_counted_afterwards(engine: AsyncEngine) -> None:
    await record(engine, workflow_event("wf", "succeeded"), at=OLD)
    await count_due(engine)
    async with engine.begin() as late:
        told = delivery(workflow_event("late", "succeeded"))
        await events.record(late, [events.Delivery(told.event, told.source, {}, told.body, OLD)])
        async with engine.begin() as counting:
            assert await asyncio.wait_for(hours.count(counting, HOUR), timeout=10)
    await count_due(engine)
    assert await rows(engine, "SELECT events FROM callback_hours WHERE hour = :hour", hour=HOUR) == [(2,)]


async def test_one_worker_counts_at_a_time(engine: AsyncEngine) -> None:
    await record(engine, workflow_event("wf", "succeeded"), at=OLD)
    await due(engine)
    async with engine.begin() as one, engine.begin() as other:
        assert await hours.count(one, HOUR)
        assert not await hours.count(other, HOUR)


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
async def test_a_senseless_time_of_creation_makes_no_hours(engine: AsyncEngine, moment: datetime) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET created_at = :moment"), {"moment": moment})
        await hours.recount(connection, [moment])
    assert len(await due(engine)) <= 2
    assert await rows(engine, "SELECT * FROM recounts") == []


async def test_steps_that_do_not_say_their_cost_share_what_the_others_leave(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET cost = 10, currency = 'BUZZ', tags = '{a,b,a}'"))
        await connection.execute(
            text(
                "INSERT INTO steps (workflow_id, name, position, type, cost) "
                "VALUES ('wf', 'a', 0, 'says', 4), ('wf', 'b', 1, 'silent', NULL), ('wf', 'c', 2, 'silent', NULL)"
            )
        )
    await count_due(engine)
    by_type = await rows(engine, "SELECT step_type, steps, cost FROM spent_hours ORDER BY step_type")
    assert by_type == [("says", 1, Decimal(4)), ("silent", 2, Decimal(6))]
    by_tag = await rows(engine, "SELECT tag, workflows, cost FROM spent_tag_hours ORDER BY tag")
    assert by_tag == [("a", 1, Decimal(10)), ("b", 1, Decimal(10))]


async def test_content_that_was_there_already_is_no_new_object(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO objects (digest, size, stored_at) VALUES (sha256('one'), 7, now())"))
        await connection.execute(
            text(
                "INSERT INTO results (workflow_id, step, path, role, kind, object_digest, next_attempt_at, stored_at) "
                "SELECT 'wf', 'step', path, 'result', 'image', sha256('one'), now(), now() "
                "FROM unnest(ARRAY['a', 'b', 'c']) AS path"
            )
        )
    await count_due(engine)
    stored = await rows(engine, "SELECT kind, results, bytes, new_objects, new_bytes FROM storage_hours")
    assert stored == [("image", 3, 21, 1, 7)]
    assert await rows(engine, "SELECT tag, workflows, results, bytes FROM stored_tag_hours") == [(None, 1, 3, 21)]
    assert await rows(engine, "SELECT step_type, workflows, results FROM stored_hours") == [(None, 1, 3)]
