"""Storage in a directory: durable, whole under the eyes of readers, and left to whoever is receiving."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import settings, storage
from archive.storage import opening
from archive.storage.incoming import PIECE_BYTES
from archive.storage.local import LocalStorage
from archive.storage_errors import StorageUnavailable
from tests.archive.stores import content, files, keep

CONTENT = b"content of an object"
PROC = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what was synced is read from /proc")

Deed = tuple[str, Path]


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[Deed]:
    """What is asked of the operating system, in its order: directories made, files synced, names replaced."""
    done: list[Deed] = []
    fsync, replace, mkdir = os.fsync, os.replace, os.mkdir

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))

    def noting_replace(source: Path, target: Path) -> None:
        replace(source, target)
        done.append(("rename to", Path(target)))

    def noting_mkdir(path: Path, mode: int = 0o777) -> None:
        mkdir(path, mode)
        done.append(("make", Path(path)))

    monkeypatch.setattr("os.fsync", noting_fsync)
    monkeypatch.setattr("os.replace", noting_replace)
    monkeypatch.setattr("os.mkdir", noting_mkdir)
    return done


def is_durable(target: Path, written_in: Path, deeds: list[Deed]) -> None:
    """Bytes before the name, the name before we say so, and every new directory by name in its parent."""
    named = deeds.index(("rename to", target))
    assert any(deed == "sync" and path.parent == written_in for deed, path in deeds[:named])
    assert ("sync", target.parent) in deeds[named:]
    for position, (deed, path) in enumerate(deeds):
        if deed == "make":
            assert ("sync", path.parent) in deeds[position:], path


@PROC
async def test_an_object_is_synced_then_named_then_its_directories_are_synced(
    store: LocalStorage, deeds: list[Deed]
) -> None:
    name = storage.object_name(await keep(store, CONTENT))
    is_durable(store.root / name, store.root / "incoming", deeds)
    assert ("make", store.root) in deeds


@PROC
async def test_a_document_is_synced_then_named_then_its_directories_are_synced(
    store: LocalStorage, deeds: list[Deed]
) -> None:
    await store.write("workflows/2026/11/22/a.json", b"{}", media_type="application/json")
    is_durable(store.root / "workflows/2026/11/22/a.json", store.root / "incoming", deeds)


@PROC
async def test_a_marker_is_synced_then_named_then_its_directory_is_synced(
    store: LocalStorage, deeds: list[Deed]
) -> None:
    await store.mark("an-id")
    is_durable(store.root / storage.MARKER, store.root, deeds)


@PROC
async def test_what_is_moved_or_removed_is_so_durably(store: LocalStorage, deeds: list[Deed]) -> None:
    await store.write("a/1", CONTENT, media_type="text/plain")
    deeds.clear()
    await store.move("a/1", "b/1")
    is_named = deeds.index(("rename to", store.root / "b/1"))
    assert {("sync", store.root / "b"), ("sync", store.root / "a")} <= set(deeds[is_named:])
    assert ("sync", store.root) in deeds  # which names the new directory
    deeds.clear()
    await store.remove("b/1")
    assert deeds == [("sync", store.root / "b")]


@PROC
async def test_an_object_that_somebody_else_has_just_named_is_not_believed_durable(
    store: LocalStorage, deeds: list[Deed]
) -> None:
    await keep(store, CONTENT)
    deeds.clear()
    name = storage.object_name(await keep(store, CONTENT))
    assert [path for deed, path in deeds if deed == "sync"][-1] == (store.root / name).parent


async def test_a_document_is_replaced_whole_under_the_eyes_of_readers(store: LocalStorage) -> None:
    versions = {bytes([letter]) * 200_000 for letter in b"abcdef"}
    await store.write("m.json", min(versions), media_type="application/json")
    over = asyncio.Event()

    async def write() -> None:
        for _ in range(5):
            for version in sorted(versions):
                await store.write("m.json", version, media_type="application/json")
        over.set()

    async def read() -> None:
        while not over.is_set():
            assert await content(store, "m.json") in versions
            await asyncio.sleep(0.001)  # the writer's threads want the processor too

    await asyncio.gather(write(), read(), read())
    assert files(store.root) == {"m.json": max(versions)}


RECEIVING = """
import asyncio, sys, time
from pathlib import Path
from archive.storage.incoming import PIECE_BYTES
from archive.storage.local import LocalStorage

async def receive():
    async with LocalStorage(Path(sys.argv[1])).receive() as incoming:
        await incoming.write(bytes(PIECE_BYTES))
        print("receiving", flush=True)
        time.sleep(60)

asyncio.run(receive())
"""


@pytest.fixture
def receiving(store: LocalStorage) -> Iterator[subprocess.Popen[bytes]]:
    """Another process in the midst of receiving a content."""
    command = [sys.executable, "-c", RECEIVING, str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"receiving\n"
        yield process
        process.kill()


async def test_what_a_living_process_receives_is_left_to_it_and_what_a_killed_one_left_is_cleared(
    store: LocalStorage, receiving: subprocess.Popen[bytes]
) -> None:
    async with store.receive() as incoming:
        await incoming.write(bytes(PIECE_BYTES))
        assert store.clear_abandoned() == 0
        assert len(files(store.root)) == 2
        receiving.kill()
        receiving.wait()
        assert store.clear_abandoned() == 1
        await store.keep(incoming, media_type=None)
        name = storage.object_name(incoming.digest)
    assert files(store.root) == {name: bytes(PIECE_BYTES)}


def test_a_storage_that_is_not_there_yet_has_nothing_to_clear(store: LocalStorage) -> None:
    assert store.clear_abandoned() == 0


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "%2F", "ümläut", "a#b?c", "weiß\N{SNOWMAN}"])
async def test_a_directory_of_any_name_is_found_through_its_url(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    config = settings.read({"STORAGE_URL": root.as_uri()})
    store = opening.open_storage(config)
    object_name = storage.object_name(await keep(store, CONTENT))
    assert store.url == config.storage_url
    assert (root / object_name).read_bytes() == CONTENT


@pytest.mark.parametrize("what", ["read", "size"])
async def test_a_name_that_cannot_be_looked_at_is_not_missing(store: LocalStorage, what: str) -> None:
    await store.write("file", b"", media_type="text/plain")
    with pytest.raises(StorageUnavailable, match="Not a directory"):
        await (content(store, "file/below") if what == "read" else store.size("file/below"))


async def test_what_is_stored_can_be_read_by_the_group_and_written_by_nobody(marked: LocalStorage) -> None:
    await keep(marked, CONTENT)
    await marked.write("workflows/a.json", b"{}", media_type="application/json")
    await marked.write("workflows/a.json", b"[]", media_type="application/json")
    modes = [path.stat().st_mode & 0o777 for path in marked.root.rglob("*") if path.is_file()]
    assert modes.count(0o440) == 2
    assert await content(marked, "workflows/a.json") == b"[]"
