import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, database
from embedded.supervisor import Addresses
from tests.archive.factories import take
from tests.worker import doors, rows
from worker import lease

SHORT = timedelta(seconds=0.9)


@pytest.fixture(autouse=True)
def _short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE", SHORT)


async def claimed(engine: AsyncEngine, name: str = "w") -> claims.Claim:
    await rows.tell(engine, name)
    async with engine.begin() as connection:
        claim = await take(connection, name)
    assert claim
    return claim


async def test_work_that_ends_gives_what_it_gives_and_the_heart_stops(engine: AsyncEngine) -> None:
    claim = await claimed(engine)

    async def work() -> str:
        return "done"

    assert await lease.Leases(engine).while_held(claim, work()) == "done"
    before = await rows.one(engine, "SELECT leased_until FROM workflows")
    await asyncio.sleep(0.5)
    assert await rows.one(engine, "SELECT leased_until FROM workflows") == before


async def test_a_heartbeat_between_the_release_and_the_end_of_the_work_stops_nothing(engine: AsyncEngine) -> None:
    claim = await claimed(engine)

    async def work() -> str:
        async with engine.begin() as connection:
            await claims.release(connection, claim, due_at=None)
        await asyncio.sleep(0.5)
        return "done"

    assert await lease.Leases(engine).while_held(claim, work()) == "done"
    row = await rows.one(engine, "SELECT due_at, leased_until FROM workflows")
    assert dict(row) == {"due_at": None, "leased_until": None}


async def test_work_that_fails_raises_what_it_raised(engine: AsyncEngine) -> None:
    async def work() -> None:
        raise FileNotFoundError("the disk is gone")

    with pytest.raises(FileNotFoundError, match="the disk is gone"):
        await lease.Leases(engine).while_held(await claimed(engine), work())


async def test_nobody_can_claim_what_is_worked_on_however_long_it_takes(engine: AsyncEngine) -> None:
    claim = await claimed(engine)
    work = asyncio.create_task(lease.Leases(engine).while_held(claim, asyncio.sleep(2.2 * SHORT.total_seconds())))
    others = 0
    while not work.done():
        async with engine.begin() as connection:
            others += await take(connection, "w") is not None
        await asyncio.sleep(0.05)
    await work
    assert others == 0


async def test_a_lost_lease_stops_the_work(engine: AsyncEngine) -> None:
    claim = await claimed(engine)
    stopped = asyncio.Event()

    async def work() -> None:
        await rows.execute(engine, "UPDATE workflows SET attempts = attempts + 1")
        try:
            await asyncio.sleep(30)
        finally:
            stopped.set()

    with pytest.raises(claims.Overtaken):
        await asyncio.wait_for(lease.Leases(engine).while_held(claim, work()), timeout=20)
    assert stopped.is_set()


async def test_a_cancelled_holder_stops_its_work_and_its_heart(engine: AsyncEngine) -> None:
    claim = await claimed(engine)
    holding = asyncio.create_task(lease.Leases(engine).while_held(claim, asyncio.sleep(30)))
    await asyncio.sleep(0.05)
    tasks = len(asyncio.all_tasks())
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) == tasks - 3


async def test_all_that_a_process_holds_is_renewed_together_and_only_what_is_lost_stops(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=2.4))
    kept, lost, locked = [await claimed(engine, name) for name in ("kept", "lost", "locked")]
    leases = lease.Leases(engine)
    works = [
        asyncio.create_task(leases.while_held(claim, asyncio.sleep(3, result=claim))) for claim in (kept, lost, locked)
    ]
    await rows.execute(engine, "UPDATE workflows SET attempts = attempts + 1 WHERE id = 'lost'")
    async with engine.begin() as connection:  # as it is while something is written; nobody waits for it
        await claims.hold(connection, locked)
        await asyncio.sleep(1)
    assert [type(outcome) for outcome in await asyncio.gather(*works, return_exceptions=True)] == [
        claims.Claim,
        claims.Overtaken,
        claims.Claim,
    ]


async def test_a_short_absence_of_postgresql_is_survived(
    engine: AsyncEngine, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=2.4))
    claim = await claimed(engine)
    async with doors.before_postgres(addresses) as door:
        behind = database.create_engine(f"postgresql://archive@{door.address}/archive", application_name="behind")
        work = asyncio.create_task(lease.Leases(behind).while_held(claim, asyncio.sleep(3, result="done")))
        await asyncio.sleep(0.6)
        await door.shut()
        await asyncio.sleep(0.6)  # a beat fails
        await door.open()
        assert await work == "done"
        await behind.dispose()
    assert (await rows.one(engine, "SELECT leased_until > now() AS held FROM workflows"))["held"]


async def test_an_absence_as_long_as_the_lease_ends_the_work(engine: AsyncEngine, addresses: Addresses) -> None:
    claim = await claimed(engine)
    async with doors.before_postgres(addresses) as door:
        behind = database.create_engine(f"postgresql://archive@{door.address}/archive", application_name="behind")
        await door.shut()
        with pytest.raises(claims.Overtaken):
            await asyncio.wait_for(lease.Leases(behind).while_held(claim, asyncio.sleep(60)), timeout=30)
        await behind.dispose()
