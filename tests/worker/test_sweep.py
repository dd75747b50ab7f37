import time

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import queue
from tests.worker import rows
from worker.sweep import QUEUE_AT_MOST, sweep
from worker.tools import Tools


async def rung(redis: ArqRedis) -> set[str]:
    return {message.args[0] for message in await redis.queued_jobs(queue_name=queue.NAME)}


async def due(engine: AsyncEngine, *workflow_ids: str) -> None:
    """Workflows that have been due for an hour."""
    await rows.record(engine, *({"workflowId": each, "status": "succeeded"} for each in workflow_ids))
    await rows.execute(engine, "UPDATE workflows SET due_at = now() - interval '1 hour'")


async def test_the_bell_rings_again_for_what_is_due_and_unanswered(tools: Tools) -> None:
    await due(tools.engine, "forgotten")
    await sweep(tools)
    assert await rung(tools.redis) == {"forgotten"}


async def test_what_is_not_due_is_held_or_has_just_been_rung_for_is_left_alone(tools: Tools) -> None:
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
    await due(tools.engine, *(f"w{number:03}" for number in range(QUEUE_AT_MOST + 40)))
    await rows.execute(
        tools.engine, "UPDATE workflows SET deadline_at = now() + (right(id, 3)::int * interval '1 hour')"
    )
    await sweep(tools)
    assert await rung(tools.redis) == {f"w{number:03}" for number in range(QUEUE_AT_MOST)}
    await sweep(tools)
    assert await queue.waiting(tools.redis) == QUEUE_AT_MOST


async def test_a_queue_is_topped_up_and_never_overfilled(tools: Tools) -> None:
    await due(tools.engine, *(f"w{number}" for number in range(5)))
    await queue.ring(tools.redis, [f"live-{number}" for number in range(QUEUE_AT_MOST - 2)])
    await sweep(tools)
    assert await queue.waiting(tools.redis) == QUEUE_AT_MOST


async def test_what_busy_workers_do_leaves_room_for_one_that_is_idle(tools: Tools) -> None:
    await due(tools.engine, "w")
    await queue.ring(tools.redis, [f"taken-{number}" for number in range(QUEUE_AT_MOST)])
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
