"""Quarantine: verbatim and once, and the way out of it when newer code can read what older could not."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import quarantine
from archive.quarantine import Unread
from orchestration.events import Unreadable
from tests.archive.factories import delivery, rows, workflow_event

UNREAD = Unread("it is not JSON", "first", {"a": ["\x00"]}, b"\x00\xff{")


async def add(engine: AsyncEngine, *unread: Unread) -> None:
    async with engine.begin() as connection:
        await quarantine.add(connection, unread)


async def now_readable(engine: AsyncEngine) -> int:
    """One that an older release could not read; its id."""
    event = delivery(workflow_event("wf", "succeeded"), run="7")
    await add(engine, *[Unread("of old", event.source, event.parameters, event.body)] * 2)
    ((found,),) = await rows(engine, "SELECT id FROM quarantine WHERE reason = 'of old'")
    return int(found)


async def test_a_delivery_that_is_no_event_is_set_aside_verbatim_once(engine: AsyncEngine) -> None:
    await add(engine, UNREAD)
    await add(engine, UNREAD, UNREAD)
    assert await rows(
        engine,
        "SELECT source, parameters, body, reason, deliveries, last_received_at > first_received_at FROM quarantine",
    ) == [("first", {"a": ["\ufffd"]}, UNREAD.body, "it is not JSON", 3, True)]


async def test_one_that_comes_late_says_when_it_was_received(engine: AsyncEngine) -> None:
    early, late = datetime(2026, 11, 22, 5, tzinfo=UTC), datetime(2026, 11, 22, 6, tzinfo=UTC)
    for moment in (late, early):
        await add(engine, Unread(UNREAD.reason, "first", {}, b"", moment))
    assert await rows(engine, "SELECT first_received_at, last_received_at FROM quarantine") == [(early, late)]


async def test_nothing_unread_is_nothing_done(engine: AsyncEngine) -> None:
    await add(engine)
    assert await rows(engine, "SELECT 1 FROM quarantine") == []


async def test_the_newest_come_first_and_one_is_found_by_its_id(engine: AsyncEngine) -> None:
    for body in (b"one", b"two", b"three"):
        await add(engine, Unread("not JSON", "first", {}, body))
    async with engine.connect() as connection:
        newest = await quarantine.newest(connection, 2)
        assert [row["size"] for row in newest] == [5, 3]
        found = await quarantine.find(connection, newest[0]["id"])
        assert found is not None
        assert found["body"] == b"three"
        assert await quarantine.find(connection, 999) is None
        assert len(await quarantine.ids(connection)) == 3


async def test_what_can_be_read_by_now_becomes_an_event_with_its_past_and_leaves(engine: AsyncEngine) -> None:
    delivery_id = await now_readable(engine)
    async with engine.begin() as connection:
        assert await quarantine.reread(connection, delivery_id) is not None
        assert await quarantine.reread(connection, delivery_id) is None
    assert await rows(engine, "SELECT 1 FROM quarantine") == []
    assert await rows(engine, "SELECT parameters, deliveries FROM events") == [({"run": ["7"]}, 2)]
    assert await rows(engine, "SELECT due_at IS NOT NULL FROM workflows") == [(True,)]


async def test_what_still_cannot_be_read_stays(engine: AsyncEngine) -> None:
    await add(engine, UNREAD)
    async with engine.begin() as connection:
        (delivery_id,) = await quarantine.ids(connection)
        with pytest.raises(Unreadable):
            await quarantine.reread(connection, delivery_id)
    assert len(await rows(engine, "SELECT 1 FROM quarantine")) == 1


async def test_a_reading_that_fails_in_the_end_leaves_it_where_it_was(engine: AsyncEngine) -> None:
    delivery_id = await now_readable(engine)
    async with engine.connect() as connection:
        await quarantine.reread(connection, delivery_id)
        await connection.rollback()
    assert len(await rows(engine, "SELECT 1 FROM quarantine")) == 1
    assert await rows(engine, "SELECT 1 FROM events") == []
