"""The intake: shared commits, each answered after its own, no neighbour harmed, nothing acknowledged lost."""

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, events
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade
from receiver import deliveries, intake
from receiver.bell import Bell
from receiver.deliveries import Delivery
from receiver.intake import Busy, Intake
from receiver.replay import Replay
from receiver.spool import Spool
from tests.archive.factories import delivery, rows, workflow_event
from tests.working import eventually


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", bytes_at_most=1 << 20)
    yield spool
    spool.close()


@pytest.fixture
async def taking(engine: AsyncEngine, spool: Spool) -> AsyncIterator[Intake]:
    async with intake.open_intake(engine, spool, Bell()) as taking:
        yield taking


def event(number: int, status: str = "processing") -> events.Delivery:
    return delivery(workflow_event(f"wf{number:04}", status))


def refused(number: int) -> events.Delivery:
    """An event that PostgreSQL cannot hold, though it looks like any other."""
    told = event(number)
    hostile = "\x00" if number % 2 else "\ud800"  # refused by the server, and by the driver
    return dataclasses.replace(told, event=dataclasses.replace(told.event, workflow_id=f"a{hostile}{number}"))


async def keep(taking: Intake, *told: Delivery) -> list[BaseException | None]:
    return await asyncio.gather(*(taking.keep(one) for one in told), return_exceptions=True)


async def ids(engine: AsyncEngine) -> list[str]:
    return [row[0] for row in await rows(engine, "SELECT workflow_id FROM events ORDER BY workflow_id")]


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


class Own:
    """PostgreSQL that a test may stop, kill and freeze, and a receiver's inside on it."""

    def __init__(self, supervisor: Supervisor, engine: AsyncEngine, spool: Spool) -> None:
        self.server = supervisor.postgres
        self.engine = engine
        self.spool = spool
        self.replay = Replay(engine, spool, Bell())

    async def stop(self) -> None:
        await asyncio.to_thread(self.server.stop)

    async def start(self) -> None:
        await asyncio.to_thread(self.server.start)

    def freeze(self, signum: signal.Signals) -> None:
        """Have every process of the server stop in its tracks, or go on."""
        assert self.server.pid
        parent = self.server.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in [parent, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Supervisor, Addresses]]:
    supervisor = Supervisor(tmp_path_factory.mktemp("own"), durable=False)
    with supervisor as addresses:
        upgrade(addresses.database_url)
        yield supervisor, addresses


@pytest.fixture
async def own(servers: tuple[Supervisor, Addresses], spool: Spool) -> AsyncIterator[Own]:
    supervisor, addresses = servers
    engine = database.create_engine(addresses.database_url, application_name="tests")
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE events, workflows, quarantine CASCADE"))
    yield Own(supervisor, engine, spool)
    await engine.dispose()


async def test_while_postgresql_is_away_deliveries_are_acknowledged_from_the_spool_and_stored_later(own: Own) -> None:
    async with intake.open_intake(own.engine, own.spool, Bell()) as taking:
        await taking.keep(event(0))
        await own.stop()
        told = [event(1), deliveries.read("first", {"run": ["7"]}, b"no event"), event(2), event(1)]
        assert await keep(taking, *told) == [None] * 4
        await taking.keep(event(3))
        assert own.spool.bytes > 0
        with pytest.raises(OSError, match=r"No such file|refused"):
            await own.replay.replay()
        await own.start()
        await own.replay.replay()
        assert await ids(own.engine) == ["wf0000", "wf0001", "wf0002", "wf0003"]
        query = "SELECT deliveries, last_received_at - first_received_at < '1 min' FROM events ORDER BY workflow_id"
        assert await rows(own.engine, query) == [(1, True), (2, True), (1, True), (1, True)]
        assert await rows(own.engine, "SELECT body, parameters FROM quarantine") == [(b"no event", {"run": ["7"]})]
        assert own.spool.bytes == 0
        await taking.keep(event(4))
        assert own.spool.bytes == 0
    assert len(await ids(own.engine)) == 5


async def test_a_postgresql_that_hangs_costs_one_time_out_and_loses_nothing(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "TRANSACTION_SECONDS", 0.3)
    async with intake.open_intake(own.engine, own.spool, Bell()) as taking:
        await taking.keep(event(0))
        own.freeze(signal.SIGSTOP)
        try:
            async with asyncio.timeout(8):
                await taking.keep(event(1))
            async with asyncio.timeout(0.3):
                await taking.keep(event(2))
        finally:
            own.freeze(signal.SIGCONT)

        async def replayed() -> bool:
            with contextlib.suppress(Exception):
                await own.replay.replay()
            return not own.spool.bytes

        await eventually(replayed)
    assert await ids(own.engine) == ["wf0000", "wf0001", "wf0002"]


async def test_a_postgresql_killed_in_mid_batch_loses_nothing_that_was_acknowledged(own: Own) -> None:
    acknowledged: list[str] = []

    async def send(taking: Intake, number: int) -> None:
        told = event(number)
        with contextlib.suppress(Busy):
            await taking.keep(told)
            acknowledged.append(told.event.workflow_id)

    async with intake.open_intake(own.engine, own.spool, Bell()) as taking:
        sending = [asyncio.create_task(send(taking, number)) for number in range(2000)]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(own.server.kill)
        await asyncio.gather(*sending)
        await own.start()
        await own.replay.replay()
    assert len(acknowledged) == 2000
    await own.engine.dispose()  # of connections to the server that was killed
    assert set(await ids(own.engine)) >= set(acknowledged)


async def test_when_the_spool_cannot_take_it_either_the_sender_is_told_to_try_again(own: Own, tmp_path: Path) -> None:
    tight = Spool(tmp_path / "tight", bytes_at_most=100)
    async with intake.open_intake(own.engine, tight, Bell()) as taking:
        await own.stop()
        try:
            await taking.keep(event(0))
            with pytest.raises(Busy):
                await taking.keep(event(1))
            assert tight.is_nearly_full
        finally:
            await own.start()
        await Replay(own.engine, tight, Bell()).replay()
        await taking.keep(event(2))
    assert await ids(own.engine) == ["wf0000", "wf0002"]
    tight.close()


async def test_a_database_without_tables_is_no_fault_of_the_deliveries(own: Own, spool: Spool) -> None:
    async with own.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events RENAME TO hidden"))
    try:
        async with intake.open_intake(own.engine, spool, Bell()) as taking:
            assert await keep(taking, event(0), event(1)) == [None, None]
            assert await rows(own.engine, "SELECT 1 FROM quarantine") == []
    finally:
        async with own.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE hidden RENAME TO events"))
    await own.replay.replay()
    assert await ids(own.engine) == ["wf0000", "wf0001"]
