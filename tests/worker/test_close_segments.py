"""Closing segments: what was told is in storage, each event once, whoever is writing or closing meanwhile."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from archive import events, segment_files, segments
from archive.storage_errors import StorageUnavailable
from tests.archive.factories import delivery, step_event
from tests.worker import files, rows
from worker import close_segments
from worker.tools import Tools

NOW = timedelta(0)


def in_storage(storage: Path) -> list[bytes]:
    """The digest of every line of every segment."""
    lines = [line for path in files.segments(storage) for line in path.read_bytes().splitlines()]
    return sorted(segment_files.read(line).digest for line in lines)


async def told(tools: Tools) -> list[bytes]:
    return sorted(row["digest"] for row in await rows.select(tools.engine, "SELECT digest FROM events"))


async def test_what_was_told_is_in_storage_after_a_while_and_not_before(tools: Tools, storage: Path) -> None:
    await rows.tell(tools.engine, "w")
    assert await close_segments.close(tools) == 0
    await rows.execute(tools.engine, "UPDATE events SET first_received_at = now() - interval '6 minutes'")
    assert await close_segments.close(tools) == 1
    assert in_storage(storage) == await told(tools)
    assert await close_segments.close(tools) == 0


async def test_every_event_is_in_exactly_one_segment_while_many_tell_and_many_close(
    tools: Tools, storage: Path
) -> None:
    dice = random.Random(7)  # noqa: S311 - nothing secret
    over = asyncio.Event()

    async def tell(writer: int) -> None:
        for number in range(12):
            bodies = [step_event(f"w{writer}", "processing", f"{number}-{one}") for one in range(dice.randrange(1, 5))]
            async with tools.engine.begin() as connection:
                await events.record(connection, [delivery(body) for body in bodies])
                await asyncio.sleep(dice.random() / 50)
                if dice.random() < 0.2:
                    await connection.rollback()

    async def close() -> None:
        while not over.is_set():
            await close_segments.close(tools, after=NOW)

    closing = [asyncio.create_task(close()) for _ in range(2)]
    await asyncio.gather(*(tell(writer) for writer in range(4)))
    over.set()
    await asyncio.gather(*closing)
    await close_segments.close(tools, after=NOW)
    assert in_storage(storage) == await told(tools)
    assert len(await rows.select(tools.engine, "SELECT * FROM segments")) > 1


async def test_a_segment_that_was_begun_by_a_worker_that_was_killed_is_written_by_the_next(
    tools: Tools, storage: Path
) -> None:
    await rows.tell(tools.engine, "w")
    async with tools.engine.begin() as connection:
        seen = await segments.horizon(connection, "events")
        begun = await segments.choose(connection, "events", seen, waited=NOW, enough=1)
    assert begun is not None
    assert await close_segments.close(tools) == 1
    assert in_storage(storage) == await told(tools)
    assert [path.name for path in files.segments(storage)] == [Path(begun.name).name]


async def test_a_segment_is_never_written_again(tools: Tools, storage: Path) -> None:
    await rows.tell(tools.engine, "w")
    await close_segments.close(tools, after=NOW)
    (path,) = files.segments(storage)
    before = path.stat()
    await rows.tell(tools.engine, "w")  # once more
    await rows.execute(tools.engine, "UPDATE segments SET written_at = NULL")  # as if that had not been noted
    await close_segments.close(tools, after=NOW)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_storage_that_is_away_loses_no_event(tools: Tools, storage: Path) -> None:
    await rows.tell(tools.engine, "w")
    await asyncio.to_thread(storage.rename, storage.with_name("unmounted"))
    with pytest.raises(StorageUnavailable):
        await close_segments.close(tools, after=NOW)
    await asyncio.to_thread(storage.with_name("unmounted").rename, storage)
    await close_segments.close(tools, after=NOW)
    assert in_storage(storage) == await told(tools)


async def test_somebody_who_never_ends_his_transaction_holds_up_segments_and_nothing_else(
    tools: Tools, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_segments, "PATIENCE", 0.2)
    async with tools.engine.connect() as endless:
        await events.record(endless, [delivery(step_event("w", "processing"))])
        await rows.tell(tools.engine, "other")
        assert await close_segments.close(tools, after=NOW) == 0
        await endless.commit()
    await close_segments.close(tools, after=NOW)
    digests: Sequence[bytes] = in_storage(storage)
    assert digests == await told(tools)
