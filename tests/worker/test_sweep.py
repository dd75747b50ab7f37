import time
from datetime import timedelta

import pytest
from arq.connections import ArqRedis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import queue, tables
from tests.worker import rows
from worker import sweep as sweeping
from worker.sweep import BACKFILL_AT_ONCE, QUEUE_AT_MOST, sweep
from worker.tools import Tools

AT_MOST = QUEUE_AT_MOST * queue.TOGETHER


async def rung(redis: ArqRedis) -> set[str]:
    return {workflow_id for message in await redis.queued_jobs(queue_name=queue.NAME) for workflow_id in message.args}


async def due(engine: AsyncEngine, *workflow_ids: str) -> None:
    """Workflows that have been due for an hour."""
    await rows.record(engine, *({"workflowId": each, "status": "succeeded"} for each in workflow_ids))
    await rows.execute(engine, "UPDATE workflows SET due_at = now() - interval '1 hour'")


async def test_the_bell_rings_again_for_what_is_due_and_unanswered(tools: Tools) -> None:
    await due(tools.engine, "forgotten")
    await sweep(tools)
    assert await rung(tools.redis) == {"forgotten"}


async def test_what_is_not_due_is_held_or_has_just_been_rung_for_is_left_alone(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "UNANSWERED", timedelta(minutes=30))  # a busy machine may take a second for this
    await due(tools.engine, "held", "just now", "later", "nothing owed", "abandoned")
    for statement in (
        "UPDATE workflows SET leased_until = now() + interval '10 s' WHERE id = 'held'",
        "UPDATE workflows SET leased_until = now() - interval '10 s' WHERE id = 'abandoned'",
        "UPDATE workflows SET due_at = now() WHERE id = 'just now'",
        "UPDATE workflows SET due_at = now() + interval '1 s' WHERE id = 'later'",
        "UPDATE workflows SET due_at = NULL WHERE id = 'nothing owed'",
    ):
        await rows.execute(tools.engine, statement)
    await sweep(tools)
    assert await rung(tools.redis) == {"abandoned"}


async def test_a_backlog_stays_in_its_table_but_for_the_nearest_deadlines(tools: Tools) -> None:
    await due(tools.engine, *(f"w{number:03}" for number in range(AT_MOST + 40)))
    await rows.execute(
        tools.engine, "UPDATE workflows SET deadline_at = now() + (right(id, 3)::int * interval '1 hour')"
    )
    await sweep(tools)
    assert await rung(tools.redis) == {f"w{number:03}" for number in range(AT_MOST)}
    await sweep(tools)
    assert await queue.waiting(tools.redis) == QUEUE_AT_MOST


async def test_a_queue_is_topped_up_and_never_overfilled(tools: Tools) -> None:
    await due(tools.engine, *(f"w{number}" for number in range(3 * queue.TOGETHER)))
    for number in range(QUEUE_AT_MOST - 2):
        await queue.ring(tools.redis, [f"live-{number}"])
    await sweep(tools)
    assert await queue.waiting(tools.redis) == QUEUE_AT_MOST


async def test_what_busy_workers_do_leaves_room_for_one_that_is_idle(tools: Tools) -> None:
    await due(tools.engine, "w")
    await queue.ring(tools.redis, [f"taken-{number}" for number in range(AT_MOST)])
    for message in await tools.redis.zrange(queue.NAME, 0, -1):
        await queue.take_out(tools.redis, message.decode())
    await sweep(tools)
    assert "w" in await rung(tools.redis)


async def test_messages_that_a_killed_worker_took_do_not_fill_the_queue_for_ever(tools: Tools) -> None:
    await due(tools.engine, "w")
    long_ago = (time.time() - 3600) * 1000
    await tools.redis.zadd(queue.NAME, {f"stuck-{number}": long_ago for number in range(QUEUE_AT_MOST)})
    await sweep(tools)
    assert await rung(tools.redis) == {"w"}


async def test_an_empty_table_rings_nothing(tools: Tools) -> None:
    await sweep(tools)
    assert await queue.waiting(tools.redis) == 0


async def backfilled(engine: AsyncEngine, count: int) -> None:
    """Old workflows, all due for an hour, whose deadlines are nearer than anybody else's."""
    await rows.execute(
        engine,
        "INSERT INTO workflows (id, origin, heard_at, due_at, deadline_at) "
        "SELECT 'old-' || to_char(n, 'FM0000'), 'backfill', now(), now() - interval '1 hour', "
        "now() + n * interval '1 minute' FROM generate_series(1, :count) AS n",
        count=count,
    )


async def test_what_is_backfilled_stands_in_front_of_nothing_and_leaves_tasks_free(tools: Tools) -> None:
    await backfilled(tools.engine, 100)
    await due(tools.engine, *(f"live-{number}" for number in range(AT_MOST - 5)))
    await sweep(tools)
    first = await rung(tools.redis)
    assert {each for each in first if each.startswith("live")} == {f"live-{n}" for n in range(AT_MOST - 5)}
    assert len(first) == AT_MOST

    await tools.redis.flushall()
    await rows.execute(tools.engine, "UPDATE workflows SET due_at = NULL WHERE origin = 'callback'")
    await sweep(tools)
    assert await rung(tools.redis) == {f"old-{number:04}" for number in range(1, BACKFILL_AT_ONCE + 1)}

    await tools.redis.flushall()
    held = "UPDATE workflows SET leased_until = now() + interval '1 minute' WHERE id IN ('old-0002', 'old-0004')"
    await rows.execute(tools.engine, held)
    await sweep(tools)
    assert len(await rung(tools.redis)) == BACKFILL_AT_ONCE - 2


async def test_what_was_backfilled_and_is_told_of_since_is_live(tools: Tools) -> None:
    await backfilled(tools.engine, 40)
    await rows.record(tools.engine, {"workflowId": "old-0040", "status": "succeeded"})
    await rows.execute(tools.engine, "UPDATE workflows SET due_at = now() - interval '1 hour'")
    await sweep(tools)
    assert "old-0040" in await rung(tools.redis)


async def test_the_first_ring_goes_before_every_later_one(tools: Tools) -> None:
    await backfilled(tools.engine, 5)
    await sweep(tools)
    await queue.ring(tools.redis, ["live"])
    (first, *_) = await tools.redis.zrange(queue.NAME, 0, -1)
    jobs = {job.job_id: job.args[0] for job in await tools.redis.queued_jobs(queue_name=queue.NAME)}
    assert jobs[first.decode()] == "live"


async def test_a_sweep_reads_what_is_due_and_nothing_else(tools: Tools) -> None:
    await rows.execute(
        tools.engine,
        "INSERT INTO workflows (id, origin, heard_at, deadline_at) "
        "SELECT n::text, 'callback', now(), now() FROM generate_series(1, 5000) AS n",
    )
    await backfilled(tools.engine, 2000)
    await due(tools.engine, "live")
    await rows.execute(tools.engine, "UPDATE workflows SET due_at = NULL WHERE id ~ '^[0-9]'")
    await rows.execute(tools.engine, "ANALYZE workflows")
    async with tools.engine.connect() as connection:
        for is_backfilled in ("FALSE", "TRUE"):
            plan = await connection.execute(
                text(
                    f"EXPLAIN SELECT id FROM workflows WHERE {tables.BACKFILLED} IS {is_backfilled} "  # noqa: S608
                    "AND due_at <= now() ORDER BY deadline_at LIMIT 10"
                )
            )
            told = "\n".join(plan.scalars())
            assert "Index Scan using ix_workflows_due" in told
            assert "Sort" not in told
