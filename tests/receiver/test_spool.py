"""While PostgreSQL is away, hangs or is killed, the spool takes what is acknowledged."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade
from receiver import deliveries, intake
from receiver.bell import Bell
from receiver.intake import Busy, Intake
from receiver.replay import Replay
from receiver.spool import Spool
from tests.archive.factories import rows
from tests.receiver.intakes import event, ids, keep
from tests.working import eventually


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
            await taking.keep(event(1))
            monkeypatch.setattr(intake, "TRANSACTION_SECONDS", 300)
            async with asyncio.timeout(60):  # another one would take longer
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
