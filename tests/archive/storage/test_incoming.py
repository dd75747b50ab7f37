"""Receiving: what every storage relies on is proved with them, in test_storage."""

import asyncio
import fcntl
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.storage import incoming
from archive.storage.incoming import PIECE_BYTES


def nothing() -> None:
    pass


def there(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2 * PIECE_BYTES), max_size=6))
async def test_the_order_of_what_comes_is_kept(tmp_path: Path, sizes: list[int]) -> None:
    chunks = [os.urandom(size) for size in sizes]
    async with incoming.receive(tmp_path, nothing) as receiving:
        for chunk in chunks:
            await receiving.write(chunk)
        with receiving.held() as (path, _):
            assert path.read_bytes() == b"".join(chunks)
            assert receiving.digest == hashlib.sha256(b"".join(chunks)).digest()
        assert receiving.size == sum(sizes)
    assert there(tmp_path) == []


async def test_what_is_small_waits_for_the_end_to_be_written(tmp_path: Path) -> None:
    async with incoming.receive(tmp_path, nothing) as receiving:
        await receiving.write(bytes(PIECE_BYTES - 1))
        assert there(tmp_path) == []
        await receiving.write(b"x")
        (path,) = there(tmp_path)
        assert path.stat().st_size == PIECE_BYTES


async def test_the_event_loop_goes_on_while_a_thread_hashes_and_writes(tmp_path: Path) -> None:
    threads: set[str] = set()

    def note() -> None:
        threads.add(threading.current_thread().name)

    async with incoming.receive(tmp_path, note) as receiving:
        writing = asyncio.create_task(receiving.write(bytes(256 << 20)))
        longest, last = 0.0, (began := time.monotonic())
        while not writing.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
    took = time.monotonic() - began
    assert longest < took / 2, f"the loop stood still for {longest:.3f} s of {took:.3f}"
    assert threading.main_thread().name not in threads


async def test_the_place_is_made_ready_before_the_file_is_there(tmp_path: Path) -> None:
    directory = tmp_path / "made"
    async with incoming.receive(directory, directory.mkdir) as receiving:
        await receiving.write(bytes(PIECE_BYTES))
        assert len(there(directory)) == 1


async def test_a_file_that_is_cleared_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    cleared: list[int] = []

    def late_flock(descriptor: int, operation: int) -> None:
        if not cleared:
            cleared.append(1)
            assert incoming.clear_abandoned(tmp_path) == 1
        flock(descriptor, operation)

    monkeypatch.setattr("fcntl.flock", late_flock)
    async with incoming.receive(tmp_path, nothing) as receiving:
        await receiving.write(bytes(PIECE_BYTES))
        assert len(there(tmp_path)) == 1
