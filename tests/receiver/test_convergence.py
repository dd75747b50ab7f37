"""Any interleaving of events, duplicates and concurrent deliveries leaves the same rows, the spool's way included."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from receiver import deliveries, intake
from receiver.bell import Bell
from receiver.deliveries import Delivery
from receiver.replay import Replay
from receiver.spool import Spool
from tests.archive.factories import delivery, job_event, rows, step_event, workflow_event

TOLD: list[Delivery] = [
    delivery(workflow_event("a", "scheduled", "2026-11-22T05:00:00Z")),
    delivery(workflow_event("a", "processing", "2026-11-22T05:00:01Z")),
    delivery(workflow_event("a", "succeeded", "2026-11-22T05:00:02Z")),
    delivery(step_event("a", "succeeded")),
    delivery(job_event("a", "failed", reason="bad luck")),
    delivery(job_event("a", "failed", reason="worse")),
    delivery(workflow_event("b", "processing", "2026-11-22T05:00:01Z"), run="7"),
    delivery(workflow_event("b", "canceled")),
    deliveries.read("first", {}, b"no event"),
]
HOW = st.sampled_from(["alone", "together", "spool"])
HISTORIES = st.lists(st.sampled_from(range(len(TOLD))), max_size=6).flatmap(
    lambda again: st.permutations([*range(len(TOLD)), *again])
)


async def outcome(engine: AsyncEngine) -> list[Any]:
    return [
        await rows(
            engine, "SELECT workflow_id, digest, scope, status, parameters, body, deliveries FROM events ORDER BY 2"
        ),
        await rows(engine, "SELECT id, told_status, told_at, due_at IS NULL FROM workflows ORDER BY 1"),
        await rows(engine, "SELECT workflow_id, id, told_status, reason FROM jobs ORDER BY 1, 2"),
        await rows(engine, "SELECT digest, reason, deliveries FROM quarantine"),
    ]


async def deliver(engine: AsyncEngine, history: list[int], how: list[str]) -> None:
    """Hand them over one after the other, or at once, or by way of the spool."""
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory), bytes_at_most=1 << 20)
        async with intake.open_intake(engine, spool, Bell()) as taking:
            at_once: list[asyncio.Task[None]] = []
            for number, way in zip(history, how, strict=True):
                if way == "spool":
                    await spool.append([TOLD[number]])
                    continue
                at_once.append(asyncio.create_task(taking.keep(TOLD[number])))
                if way == "alone":
                    await asyncio.gather(*at_once)
            replaying = asyncio.create_task(Replay(engine, spool, Bell()).replay())
            await asyncio.gather(*at_once, replaying)
        spool.close()


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES, data=st.data())
async def test_every_way_of_delivering_the_same_leaves_the_same_rows(
    engine: AsyncEngine, history: list[int], data: st.DataObject
) -> None:
    outcomes = []
    for order in (sorted(history), history):
        async with engine.begin() as connection:
            await connection.execute(text("TRUNCATE events, workflows, quarantine CASCADE"))
        how = data.draw(st.lists(HOW, min_size=len(order), max_size=len(order)))
        await deliver(engine, order, how)
        outcomes.append(await outcome(engine))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == [("a", "succeeded", outcomes[0][1][0][2], False), ("b", "canceled", None, False)]
    assert sum(row[-1] for row in outcomes[0][0]) + sum(row[-1] for row in outcomes[0][3]) == len(history)
