"""Events: every order of the same deliveries leaves the same rows, and only what ends or begins obliges us."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events
from orchestration import wire
from orchestration.events import Unreadable, parse
from tests.archive.factories import delivery, job_event, rows, step_event, told, workflow_event
from tests.orchestration import strategies

EARLY, LATE = "2026-11-22T05:00:00Z", "2026-11-22T05:00:01Z"

workflow_ids = st.sampled_from(["wf_a", "0-b", "Ü c"])
any_status = st.sampled_from(["preparing", "processing", "succeeded", "Failed", "canceled", "deleted", "new one"])
told_bodies = st.one_of(
    st.builds(workflow_event, workflow_ids, any_status, st.sampled_from([EARLY, LATE, None])),
    st.builds(step_event, workflow_ids, any_status, st.sampled_from(["one", "two"])),
    st.builds(
        job_event,
        workflow_ids,
        any_status,
        st.sampled_from(["j1", "j2"]),
        reason=st.sampled_from([None, "", "bad luck", "\x00", "z"]),
        blockedReason=st.sampled_from([None, "minor", "é"]),
    ),
    st.builds(lambda workflow_id: {"workflowId": workflow_id}, workflow_ids),
)
told_deliveries = st.builds(
    delivery, told_bodies, source=st.sampled_from(["first", "other"]), run=st.sampled_from([None, "7"])
)


async def empty(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for table in ("workflows", "events"):
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - two names


async def record(engine: AsyncEngine, batches: Sequence[Sequence[events.Delivery]]) -> None:
    for batch in batches:
        async with engine.begin() as connection:
            await events.record(connection, batch)


async def kept(engine: AsyncEngine) -> list[list[tuple[Any, ...]]]:
    """All that events leave, without the times at which we heard and the numbers that we gave."""
    return [
        await rows(
            engine,
            "SELECT workflow_id, digest, scope, step_name, job_id, status, occurred_at, source, parameters, body, "
            "projection, deliveries FROM events ORDER BY workflow_id, digest",
        ),
        await rows(
            engine,
            "SELECT id, origin, told_status, told_at, due_at IS NOT NULL, attempts, archived_at, status "
            "FROM workflows ORDER BY id",
        ),
        await rows(
            engine,
            "SELECT workflow_id, id, step_name, told_status, reason, blocked_reason FROM jobs ORDER BY workflow_id, id",
        ),
    ]


@st.composite
def two_histories(draw: st.DrawFn) -> tuple[list[list[events.Delivery]], list[list[events.Delivery]]]:
    """The same deliveries twice: in two orders, each cut into batches in its own way."""
    distinct = draw(st.lists(told_deliveries, min_size=1, max_size=8))
    all_told = distinct + draw(st.lists(st.sampled_from(distinct), max_size=6))
    return batches(draw, draw(st.permutations(all_told))), batches(draw, draw(st.permutations(all_told)))


def batches(draw: st.DrawFn, told: list[events.Delivery]) -> list[list[events.Delivery]]:
    cuts = sorted(draw(st.sets(st.integers(1, len(told) - 1), max_size=4))) if len(told) > 1 else []
    return [told[start:end] for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]


@hypothesis_settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=two_histories())
async def test_every_order_duplication_and_batching_of_the_same_events_leaves_the_same_rows(
    engine: AsyncEngine, histories: tuple[list[list[events.Delivery]], list[list[events.Delivery]]]
) -> None:
    outcomes = []
    for history in histories:
        await empty(engine)
        await record(engine, history)
        outcomes.append(await kept(engine))
    assert outcomes[0] == outcomes[1]
    assert sum(row[-1] for row in outcomes[0][0]) == sum(len(batch) for batch in histories[0])


async def test_an_event_is_kept_with_all_that_it_told(engine: AsyncEngine) -> None:
    body = job_event("wf", "failed", reason="no\x00pe", blockedReason="minor", progress=0.5)
    async with engine.begin() as connection:
        await events.record(connection, [delivery(body, source="other", run="7")])
    ((scope, step, job, status, source, parameters, raw, projection, deliveries, digest),) = await rows(
        engine,
        "SELECT scope, step_name, job_id, status, source, parameters, body, projection, deliveries, digest FROM events",
    )
    assert (scope, step, job, status, source, deliveries) == ("job", "step", "job", "failed", "other", 1)
    assert parameters == {"run": ["7"]}
    assert raw == json.dumps(body).encode()
    assert projection == {**body, "reason": "no\ufffdpe"}
    assert digest == events.content_digest("other", {"run": ["7"]}, raw)
    assert await rows(engine, "SELECT reason, blocked_reason, told_status, status FROM jobs") == [
        ("no\ufffdpe", "minor", "failed", None)
    ]


async def test_a_told_end_stays_though_something_later_is_told(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("wf", "succeeded", EARLY))
    await told(engine, workflow_event("wf", "processing", LATE), workflow_event("wf", "new one", LATE))
    assert await rows(engine, "SELECT told_status, told_at FROM workflows") == [
        ("succeeded", parse(json.dumps(workflow_event("wf", "x", EARLY)).encode()).occurred_at)
    ]


async def test_the_end_was_received_when_its_first_callback_came_whichever_is_written_first(
    engine: AsyncEngine,
) -> None:
    early, late = (datetime(2026, 11, 22, 6, minute, tzinfo=UTC) for minute in (1, 2))
    end = delivery(workflow_event("wf", "succeeded"))
    plain, detailed = replace(end, received_at=late), replace(end, received_at=early, source="other")
    for order in ([plain, detailed], [detailed, plain]):
        await empty(engine)
        await record(engine, [[delivery(step_event("wf", "succeeded"))], *([one] for one in order)])
        assert await rows(engine, "SELECT end_received_at FROM workflows") == [(early,)]


async def test_events_write_nothing_of_what_the_api_says_and_of_our_holding(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("wf", "processing", EARLY))
    ours = "UPDATE workflows SET status = 'scheduled', leased_until = now(), attempts = 3, archived_at = now()"
    columns = "status, leased_until, attempts, archived_at, deadline_at, heard_at, document, failures"
    async with engine.begin() as connection:
        await connection.execute(text(ours))
    before = await rows(engine, f"SELECT {columns} FROM workflows")  # noqa: S608 - a constant
    await told(engine, workflow_event("wf", "failed", LATE), job_event("wf", "failed"))
    assert await rows(engine, f"SELECT {columns} FROM workflows") == before  # noqa: S608 - a constant


async def test_one_source_cannot_count_as_the_delivery_of_another(engine: AsyncEngine) -> None:
    body = workflow_event("wf", "succeeded", LATE)
    deliveries = [delivery(body, source="first"), delivery(body, source="other"), delivery(body, run="7")]
    await record(engine, [deliveries])
    assert await rows(engine, "SELECT deliveries FROM events") == [(1,), (1,), (1,)]


def test_no_part_of_a_delivery_can_pose_as_another() -> None:
    digests = {
        events.content_digest("a", {}, b"bc"),
        events.content_digest("ab", {}, b"c"),
        events.content_digest("a", {"b": ["c"]}, b""),
        events.content_digest("a", {"b": ["c", "c"]}, b""),
        events.content_digest("a", {}, b'{"b": ["c"]}'),
    }
    assert len(digests) == 5


@pytest.mark.parametrize(
    ("parameters", "digest"),
    [
        ({}, "93cf8c6de7ee5f006226fa5d989fa89dfc86b307f87685ed785472a8bc17d3a4"),
        ({"run": ["7"]}, "9707ff596216d73bd6ff10184ff688832857adbb1bbdd09bcc496e548b7e19d4"),
        ({"é": ["ü", "\0"], "b": ["1", "2"]}, "ac233418571a6c51d06eb91fad35aaa55f99fe1556709087a0e3b7695660388f"),
    ],
)
def test_an_event_is_known_again_by_every_version(parameters: events.Parameters, digest: str) -> None:
    assert events.content_digest("main", parameters, b"{}").hex() == digest


async def test_nothing_told_is_nothing_done(engine: AsyncEngine) -> None:
    assert await told(engine) == []


async def test_nothing_is_kept_before_the_caller_commits(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await events.record(connection, [delivery(job_event("wf", "failed"))])
        assert await rows(engine, "SELECT * FROM events") == []
        await connection.rollback()
    assert await rows(engine, "SELECT * FROM workflows") == []


async def test_batches_over_the_same_workflows_in_opposite_orders_do_not_deadlock(engine: AsyncEngine) -> None:
    ids = [f"wf{number}" for number in range(40)]
    bodies = [body for one in ids for body in (workflow_event(one, "succeeded", LATE), job_event(one, "failed"))]
    told_twice = [delivery(body) for body in bodies]

    async def keep_telling(deliveries: list[events.Delivery]) -> None:
        for _ in range(8):
            await record(engine, [deliveries])

    async with asyncio.timeout(30):
        await asyncio.gather(*(keep_telling(told_twice[:: 1 if odd else -1]) for odd in (0, 1, 0, 1, 0, 1)))
    assert await rows(engine, "SELECT DISTINCT deliveries FROM events") == [(48,)]


async def test_one_batch_may_tell_of_a_thousand_workflows(engine: AsyncEngine) -> None:
    ids = [f"wf{number:04}" for number in range(1000)]
    assert sorted(await told(engine, *(workflow_event(one, "succeeded") for one in ids))) == ids


async def test_an_identifier_at_its_limit_is_kept_and_one_beyond_it_is_no_event(engine: AsyncEngine) -> None:
    longest = "ü" * 256
    assert await told(engine, job_event(longest, "failed", job_id=longest)) == [longest]
    with pytest.raises(Unreadable):
        delivery(workflow_event(longest + "x", "failed"))


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=strategies.OBJECTS)
async def test_what_was_told_reads_the_same_from_the_body_as_from_a_projection(
    engine: AsyncEngine, details: dict[str, Any]
) -> None:
    await empty(engine)
    body = {**workflow_event("wf", "succeeded"), "details": details}
    try:
        plain = delivery(body)
    except Unreadable:
        return
    event = plain.event._replace(is_plain=False, body=wire.loads(plain.body))
    projected = dataclasses.replace(plain, source="other", event=event)
    async with engine.begin() as connection:
        await events.record(connection, [plain, projected])
        kept = await connection.execute(select(events.told_json()))
    one, other = kept.scalars()
    assert one == other
