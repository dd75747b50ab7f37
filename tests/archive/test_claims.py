"""Claims: one owner at a time, and none that was overtaken writes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, database, workflows
from embedded.supervisor import Addresses
from tests.archive.factories import (
    claimed_workflow,
    due_workflow,
    overtaken_workflow,
    rows,
    seal,
    take,
    told,
    workflow_event,
)

SOON = timedelta(minutes=5)


async def test_a_claim_takes_what_is_due_for_the_length_of_a_lease(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        claim = await take(connection, "wf")
    assert claim is not None
    assert (claim.workflow_id, claim.attempt) == ("wf", 1)
    assert claim.deadline_at - claim.heard_at == workflows.RETENTION
    ((leased_for, last_event_id),) = await rows(
        engine, "SELECT leased_until - :at, last_event_id FROM workflows", at=claim.claimed_at
    )
    assert leased_for == claims.LEASE
    assert last_event_id == claim.last_event_id is not None


async def test_of_many_who_claim_at_once_one_gets_it(addresses: Addresses, engine: AsyncEngine) -> None:
    many = database.create_engine(addresses.database_url, application_name="tests", pool_size=20)

    async def claim() -> claims.Claim | None:
        async with many.begin() as connection:
            return await take(connection, "wf")

    await due_workflow(engine)
    got = await asyncio.gather(*(claim() for _ in range(20)))
    await many.dispose()
    assert sum(claim is not None for claim in got) == 1
    assert await rows(engine, "SELECT attempts FROM workflows") == [(1,)]


@pytest.mark.parametrize(
    "change", ["due_at = NULL", "due_at = now() + interval '1 s'", "leased_until = now() + interval '1 s'"]
)
async def test_what_is_not_due_or_is_held_cannot_be_claimed(engine: AsyncEngine, change: str) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE workflows SET {change}"))  # noqa: S608 - from the list above
        assert await take(connection, "wf") is None
        assert await take(connection, "unheard of") is None
    assert await rows(engine, "SELECT attempts FROM workflows") == [(0,)]


async def test_a_dead_holder_s_workflow_comes_free_by_itself(engine: AsyncEngine) -> None:
    first, second = await overtaken_workflow(engine)
    assert (first.attempt, second.attempt) == (1, 2)


async def test_a_sign_of_life_starts_the_lease_anew(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET leased_until = now() + interval '1 s'"))
        await renew(connection, claim)
    assert await rows(engine, "SELECT leased_until > now() + interval '14 s' FROM workflows") == [(True,)]


async def test_a_sign_of_life_that_comes_after_the_release_holds_nothing_back(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        await claims.release(connection, claim, due_at=datetime.now(UTC))
    async with engine.begin() as connection:
        await renew(connection, claim)
    assert await rows(engine, "SELECT leased_until FROM workflows") == [(None,)]


async def renew(connection: AsyncConnection, claim: claims.Claim) -> None:
    if not (await claims.renew_each(connection, [claim])).get(claim):
        raise claims.Overtaken


WRITES: dict[str, Callable[[AsyncConnection, claims.Claim], Awaitable[Any]]] = {
    "renew": renew,
    "hold": claims.hold,
    "save": lambda connection, claim: workflows.save(
        connection, claim, {"id": "wf", "status": "failed"}, keep_document=False
    ),
    "release": lambda connection, claim: claims.release(connection, claim, due_at=None),
    "release_failed": lambda connection, claim: claims.release_failed(
        connection, claim, error="no", due_at=datetime.now(UTC)
    ),
    "bury": lambda connection, claim: claims.bury(connection, claim, error="no"),
    "seal": seal,
}


@pytest.mark.parametrize("write", WRITES)
async def test_an_overtaken_holder_is_told_so_and_changes_nothing(engine: AsyncEngine, write: str) -> None:
    overtaken, holder = await overtaken_workflow(engine)
    before = await rows(engine, "SELECT * FROM workflows")
    with pytest.raises(claims.Overtaken):
        async with engine.begin() as connection:
            await WRITES[write](connection, overtaken)
    assert await rows(engine, "SELECT * FROM workflows") == before
    async with engine.begin() as connection:
        await WRITES[write](connection, holder)  # the one who has it may


async def test_nobody_overtakes_while_a_holder_writes(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET leased_until = now() - interval '1 s'"))

    async def overtake() -> claims.Claim | None:
        async with engine.begin() as connection:
            return await take(connection, "wf")

    async with engine.begin() as connection:
        await claims.hold(connection, claim)
        overtaking = asyncio.create_task(overtake())
        await asyncio.sleep(0.1)
        assert not overtaking.done()
        await seal(connection, claim)
    assert await overtaking is None  # sealed: nothing is owed any more


async def test_an_event_is_stored_while_a_holder_works(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with asyncio.timeout(5):
        assert await told(engine, workflow_event("wf", "failed", "2026-11-22T05:00:00Z")) == ["wf"]
    async with engine.begin() as connection:
        assert await take(connection, "wf") is None  # due again, and still held
        await claims.hold(connection, claim)


async def test_what_is_released_is_due_when_its_holder_says(engine: AsyncEngine) -> None:
    claim, later = await claimed_workflow(engine), datetime.now(UTC) + SOON
    async with engine.begin() as connection:
        assert await claims.release(connection, claim, due_at=later) is False
    assert await rows(engine, "SELECT due_at, leased_until FROM workflows") == [(later, None)]


@pytest.mark.parametrize("write", ["release", "release_failed", "bury", "seal"])
async def test_an_event_that_came_meanwhile_makes_it_due_at_once(engine: AsyncEngine, write: str) -> None:
    claim = await claimed_workflow(engine)
    await told(engine, workflow_event("wf", "failed", "2026-11-22T05:00:00Z"))
    async with engine.begin() as connection:
        assert await WRITES[write](connection, claim) is True
    assert await rows(engine, "SELECT due_at <= now(), leased_until FROM workflows") == [(True, None)]


async def test_an_event_is_not_lost_when_the_first_heard_was_progress(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("wf", "processing"))
    async with engine.begin() as connection:
        claim = await take(connection, "wf")
    assert claim is not None
    assert claim.last_event_id is None
    await told(engine, workflow_event("wf", "succeeded"))
    async with engine.begin() as connection:
        assert await claims.release(connection, claim, due_at=None) is True


async def test_progress_that_came_meanwhile_does_not(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    await told(engine, workflow_event("wf", "processing", "2026-11-22T05:00:00Z"))
    async with engine.begin() as connection:
        assert await seal(connection, claim) is False
    assert await rows(engine, "SELECT due_at FROM workflows") == [(None,)]


async def test_a_failed_try_is_counted_until_a_good_one(engine: AsyncEngine) -> None:
    for failures in (1, 2):
        claim = await claimed_workflow(engine)
        async with engine.begin() as connection:
            await claims.release_failed(connection, claim, error="n\x00o", due_at=datetime.now(UTC))
        assert await rows(engine, "SELECT failures, last_error FROM workflows") == [(failures, "n\ufffdo")]
    claim = await claimed_workflow(engine)
    assert claim.failures == 2
    async with engine.begin() as connection:
        await workflows.save(connection, claim, {"id": "wf", "status": "processing"}, keep_document=False)
    assert await rows(engine, "SELECT failures, last_error FROM workflows") == [(0, None)]


async def test_a_buried_workflow_says_why_and_an_event_raises_it(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        assert await claims.bury(connection, claim, error="no use") is False
    assert await rows(
        engine, "SELECT dead_at IS NOT NULL, last_error, due_at, leased_until, failures FROM workflows"
    ) == [(True, "no use", None, None, 1)]
    await told(engine, workflow_event("wf", "failed", "2026-11-22T05:00:00Z"))
    async with engine.begin() as connection:
        raised = await take(connection, "wf")
        assert raised is not None
        await workflows.save(connection, raised, {"id": "wf"}, keep_document=False)
    assert await rows(engine, "SELECT dead_at, last_error FROM workflows") == [(None, None)]


async def test_archived_at_is_the_first_time(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        await seal(connection, claim)
    first = await rows(engine, "SELECT archived_at FROM workflows")
    await told(engine, workflow_event("wf", "failed", "2026-11-22T05:00:00Z"))
    async with engine.begin() as connection:
        again = await take(connection, "wf")
        assert again is not None
        assert [(again.archived_at,)] == first
        await seal(connection, again)
    assert await rows(engine, "SELECT archived_at FROM workflows") == first
