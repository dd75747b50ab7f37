"""The replay: in order, each delivery once however often it is interrupted, and no file of a living process."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from receiver import deliveries, replay
from receiver.bell import Bell
from receiver.deliveries import Delivery
from receiver.replay import Replay
from receiver.spool import Spool
from tests.archive.factories import rows, workflow_event


def event(number: int) -> Delivery:
    return deliveries.read("first", {}, json.dumps(workflow_event(f"wf{number:04}", "processing")).encode())


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, bytes_at_most=1 << 20)
    yield spool
    spool.close()


def files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def ids(engine: AsyncEngine) -> list[str]:
    return [row[0] for row in await rows(engine, "SELECT workflow_id FROM events ORDER BY id")]


async def test_everything_is_replayed_in_order_and_the_files_are_removed(
    engine: AsyncEngine, spool: Spool, tmp_path: Path
) -> None:
    for number in range(3):
        await spool.append([event(2 * number), event(2 * number + 1)])
        await spool.finish()
    bell = Bell()
    await Replay(engine, spool, bell).replay()
    assert await ids(engine) == [f"wf{number:04}" for number in range(6)]
    assert files(tmp_path) == []
    assert await rows(engine, "SELECT 1 FROM spools") == []
    assert len(bell._unrung) == 6


async def test_a_replay_that_is_interrupted_goes_on_where_its_last_transaction_ended(
    engine: AsyncEngine, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "BATCH_RECORDS", 2)
    await spool.append([event(number) for number in range(7)])
    store, calls = deliveries.store, 0

    async def interrupted(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        recorded = await store(*arguments)  # type: ignore[arg-type]
        if calls == 3:
            raise ConnectionResetError
        return recorded

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "store", interrupted)
        with pytest.raises(ConnectionResetError):
            await Replay(engine, spool, Bell()).replay()
    assert len(await ids(engine)) == 4
    # As after a kill: another process adopts what is there.
    spool.close()
    heir = Spool(tmp_path, bytes_at_most=1 << 20)
    await Replay(engine, heir, Bell()).replay()
    assert await rows(engine, "SELECT deliveries, count(*) FROM events GROUP BY 1") == [(1, 7)]
    heir.close()


async def test_a_file_that_was_replayed_but_not_removed_is_not_counted_twice(
    engine: AsyncEngine, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spool.append([event(0), event(0)])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "remove", killed)
        with contextlib.suppress(KeyboardInterrupt):
            await Replay(engine, spool, Bell()).replay()
    await Replay(engine, spool, Bell()).replay()
    assert await rows(engine, "SELECT deliveries FROM events") == [(2,)]


async def test_a_torn_line_is_passed_over(engine: AsyncEngine, spool: Spool, tmp_path: Path) -> None:
    await spool.append([event(0)])
    await spool.append([event(1)])
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    await Replay(engine, spool, Bell()).replay()
    assert await ids(engine) == ["wf0000"]
    assert files(tmp_path) == []


async def test_files_of_a_living_process_are_left_to_it_and_adopted_when_it_has_ended(
    engine: AsyncEngine, spool: Spool, tmp_path: Path
) -> None:
    await spool.append([event(0)])
    other = Spool(tmp_path, bytes_at_most=1 << 20)
    await Replay(engine, other, Bell()).replay()
    assert await ids(engine) == []
    spool.close()
    await Replay(engine, other, Bell()).replay()
    assert await ids(engine) == ["wf0000"]
    other.close()


async def test_what_no_event_is_reaches_quarantine(engine: AsyncEngine, spool: Spool) -> None:
    await spool.append([deliveries.read("first", {"run": ["7"]}, b"\xff")])
    await Replay(engine, spool, Bell()).replay()
    assert await rows(engine, "SELECT body, parameters FROM quarantine") == [(b"\xff", {"run": ["7"]})]


async def test_nothing_to_replay_asks_nothing_of_postgresql(tmp_path: Path) -> None:
    spool = Spool(tmp_path, bytes_at_most=1 << 20)
    await Replay(None, spool, Bell()).replay()  # type: ignore[arg-type]
    spool.close()
