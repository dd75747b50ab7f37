"""The intake: shared commits, each answered after its own, no neighbour harmed, nothing acknowledged lost."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events
from receiver import deliveries, intake
from receiver.bell import Bell
from receiver.intake import Busy, Intake
from receiver.spool import Spool
from tests.archive.factories import rows
from tests.receiver.intakes import event, ids, keep


@pytest.fixture
async def taking(engine: AsyncEngine, spool: Spool) -> AsyncIterator[Intake]:
    async with intake.open_intake(engine, spool, Bell()) as taking:
        yield taking


def refused(number: int) -> events.Delivery:
    """An event that PostgreSQL cannot hold, though it looks like any other."""
    told = event(number)
    hostile = "\x00" if number % 2 else "\ud800"  # refused by the server, and by the driver
    return dataclasses.replace(told, event=told.event._replace(workflow_id=f"a{hostile}{number}"))


async def test_what_comes_while_a_batch_is_written_shares_the_next_commit(engine: AsyncEngine, taking: Intake) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
        kept = asyncio.gather(*(taking.keep(event(number)) for number in range(100)))
        await asyncio.sleep(0.2)
        assert not kept.done()
        await connection.rollback()
    await kept
    transactions = await rows(engine, "SELECT xmin::text, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC")
    assert sum(count for _, count in transactions) == 100
    assert len(transactions) <= 3


async def test_everyone_is_answered_after_their_own_commit(engine: AsyncEngine, taking: Intake) -> None:
    async def keep_and_look(number: int) -> bool:
        await taking.keep(event(number))
        return bool(await rows(engine, "SELECT 1 FROM events WHERE workflow_id = :id", id=f"wf{number:04}"))

    assert all(await asyncio.gather(*(keep_and_look(number) for number in range(30))))


async def test_one_that_postgresql_refuses_takes_down_no_neighbour(engine: AsyncEngine, taking: Intake) -> None:
    told = [event(0), refused(1), event(2), deliveries.read("first", {}, b"no event"), refused(4), event(5)]
    assert await keep(taking, *told) == [None] * 6
    assert await ids(engine) == ["wf0000", "wf0002", "wf0005"]
    reasons = [row[0] for row in await rows(engine, "SELECT reason FROM quarantine ORDER BY id")]
    assert len(reasons) == 3
    assert sum("cannot be written" in reason for reason in reasons) == 2


async def test_what_cannot_be_read_is_kept_with_the_rest_of_its_batch(engine: AsyncEngine, taking: Intake) -> None:
    unread = [deliveries.read("first", {}, b"no event") for _ in range(3)]
    assert await keep(taking, event(0), *unread) == [None] * 4
    assert await ids(engine) == ["wf0000"]
    assert await rows(engine, "SELECT body, deliveries FROM quarantine") == [(b"no event", 3)]


async def test_when_too_much_is_waiting_the_next_is_turned_away_and_the_others_are_kept(
    engine: AsyncEngine, taking: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "WAITING_DELIVERIES", 10)
    outcomes = await keep(taking, *(event(number) for number in range(15)))
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 10 + [Busy] * 5
    assert len(await ids(engine)) == 10
    await taking.keep(event(14))


async def test_too_many_bytes_are_too_much_too(taking: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "WAITING_BYTES", 1000)
    large = deliveries.read("first", {}, b"x" * 600)
    assert [type(outcome) for outcome in await keep(taking, large, large, large)] == [type(None)] * 2 + [Busy]
    await taking.keep(large)


async def test_a_sender_who_has_gone_takes_nobody_along(engine: AsyncEngine, taking: Intake) -> None:
    kept = [asyncio.create_task(taking.keep(event(number))) for number in range(3)]
    await asyncio.sleep(0)
    kept[1].cancel()
    await asyncio.gather(*kept, return_exceptions=True)
    await taking.keep(event(3))
    assert await ids(engine) == ["wf0000", "wf0001", "wf0002", "wf0003"]


async def test_what_is_waiting_at_the_end_is_written_before_it_ends(engine: AsyncEngine, spool: Spool) -> None:
    async with intake.open_intake(engine, spool, Bell()) as taking:
        kept = [asyncio.create_task(taking.keep(event(number))) for number in range(600)]
        await asyncio.sleep(0)
    await asyncio.gather(*kept)
    assert len(await ids(engine)) == 600


async def test_a_fault_of_ours_is_not_the_last_batch(
    engine: AsyncEngine, taking: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Bell, "ring", broken)
        await keep(taking, event(0))
    await taking.keep(event(1))
    assert await ids(engine) == ["wf0000", "wf0001"]
