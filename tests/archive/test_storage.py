"""Storage: what was kept is durable, whole, and under the name of its content."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from archive import settings, storage

CONTENT = b"content of an object"
DIGEST = hashlib.sha256(CONTENT).digest()


@pytest.fixture
def store(tmp_path: Path) -> storage.LocalStorage:
    return storage.LocalStorage(tmp_path / "storage")


async def keep(store: storage.LocalStorage, *chunks: bytes) -> bytes:
    with store.receive() as incoming:
        for chunk in chunks:
            incoming.write(chunk)
        await store.keep(incoming, media_type="image/png")
        return incoming.digest


async def content(store: storage.Storage, name: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(name)])


def files(store: storage.LocalStorage) -> dict[str, bytes]:
    return {str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=100)))
async def test_an_object_lies_under_the_sha256_of_its_bytes_however_they_came(
    store: storage.LocalStorage, chunks: list[bytes]
) -> None:
    whole = b"".join(chunks)
    digest = await keep(store, *chunks)
    name = storage.object_name(digest)
    assert digest == hashlib.sha256(whole).digest()
    assert name == f"objects/sha256/{digest.hex()[:2]}/{digest.hex()[2:4]}/{digest.hex()}"
    assert await content(store, name) == whole
    assert await store.size(name) == len(whole)


async def test_a_content_larger_than_a_read_comes_back_whole_in_chunks(store: storage.LocalStorage) -> None:
    large = os.urandom(storage.READ_BYTES + 7)
    name = storage.object_name(await keep(store, large))
    assert [len(chunk) async for chunk in store.read(name)] == [storage.READ_BYTES, 7]
    assert await content(store, name) == large


async def test_the_same_content_twice_is_one_object_left_as_it_is(store: storage.LocalStorage) -> None:
    await keep(store, CONTENT)
    before = (store.root / storage.object_name(DIGEST)).stat()
    await asyncio.gather(*(keep(store, CONTENT) for _ in range(8)))
    after = (store.root / storage.object_name(DIGEST)).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert files(store) == {storage.object_name(DIGEST): CONTENT}


async def test_an_object_that_lost_bytes_is_put_right(store: storage.LocalStorage) -> None:
    await keep(store, CONTENT)
    (store.root / storage.object_name(DIGEST)).write_bytes(CONTENT[:5])
    await keep(store, CONTENT)
    assert files(store) == {storage.object_name(DIGEST): CONTENT}


async def test_what_is_not_kept_leaves_nothing(store: storage.LocalStorage) -> None:
    with store.receive() as incoming:
        incoming.write(CONTENT)
    assert files(store) == {}


async def test_what_breaks_off_leaves_nothing(store: storage.LocalStorage) -> None:
    def break_off() -> None:
        with store.receive() as incoming:
            incoming.write(CONTENT)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert files(store) == {}


async def test_no_half_received_content_is_ever_seen_among_the_objects(store: storage.LocalStorage) -> None:
    with store.receive() as incoming:
        incoming.write(CONTENT)
        incoming.sync()
        assert not (store.root / "objects").exists()
        await store.keep(incoming, media_type=None)
    assert files(store) == {storage.object_name(DIGEST): CONTENT}


async def test_a_name_that_is_not_there_is_not_there(store: storage.LocalStorage) -> None:
    assert await store.size("objects/none") is None
    with pytest.raises(FileNotFoundError):
        await content(store, "objects/none")


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


def is_durable(target: Path, root: Path, deeds: list[Deed]) -> None:
    """Bytes before the name, the name before we say so, and every new directory by name in its parent."""
    named = deeds.index(("rename to", target))
    assert any(deed == "sync" and path.parent == root / "incoming" for deed, path in deeds[:named])
    assert ("sync", target.parent) in deeds[named:]
    for position, (deed, path) in enumerate(deeds):
        if deed == "make":
            assert ("sync", path.parent) in deeds[position:], path


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what was synced is read from /proc")
async def test_an_object_is_synced_then_named_then_its_directories_are_synced(
    store: storage.LocalStorage, deeds: list[Deed]
) -> None:
    await keep(store, CONTENT)
    is_durable(store.root / storage.object_name(DIGEST), store.root, deeds)
    assert ("make", store.root) in deeds


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what was synced is read from /proc")
async def test_a_document_is_synced_then_named_then_its_directories_are_synced(
    store: storage.LocalStorage, deeds: list[Deed]
) -> None:
    await store.write("workflows/2026/11/22/a.json", b"{}", media_type="application/json")
    is_durable(store.root / "workflows/2026/11/22/a.json", store.root, deeds)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what was synced is read from /proc")
async def test_an_object_that_somebody_else_has_just_named_is_not_believed_durable(
    store: storage.LocalStorage, deeds: list[Deed]
) -> None:
    await keep(store, CONTENT)
    deeds.clear()
    await keep(store, CONTENT)
    assert [path for deed, path in deeds if deed == "sync"][-1] == (store.root / storage.object_name(DIGEST)).parent


async def test_a_document_is_replaced_whole_under_the_eyes_of_readers(store: storage.LocalStorage) -> None:
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

    async with asyncio.timeout(20):
        await asyncio.gather(write(), read(), read())
    assert files(store) == {"m.json": max(versions)}


RECEIVING = """
import sys, time
from pathlib import Path
from archive import storage
with storage.LocalStorage(Path(sys.argv[1])).receive() as incoming:
    incoming.write(b"half")
    incoming.sync()
    print("receiving", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def receiving(store: storage.LocalStorage) -> Iterator[subprocess.Popen[bytes]]:
    """Another process in the midst of receiving a content."""
    command = [sys.executable, "-c", RECEIVING, str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"receiving\n"
        yield process
        process.kill()


async def test_what_a_living_process_receives_is_left_to_it_and_what_a_killed_one_left_is_cleared(
    store: storage.LocalStorage, receiving: subprocess.Popen[bytes]
) -> None:
    with store.receive() as incoming:
        incoming.write(CONTENT)
        assert store.clear_abandoned() == 0
        assert len(files(store)) == 2
        receiving.kill()
        receiving.wait()
        assert store.clear_abandoned() == 1
        await store.keep(incoming, media_type=None)
    assert files(store) == {storage.object_name(DIGEST): CONTENT}


def test_a_storage_that_is_not_there_yet_has_nothing_to_clear(store: storage.LocalStorage) -> None:
    assert store.clear_abandoned() == 0


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "%2F", "ümläut", "a#b?c", "weiß\N{SNOWMAN}"])
async def test_a_directory_of_any_name_is_found_through_its_url(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    config = settings.read({"STORAGE_URL": root.as_uri()})
    store = storage.open_storage(config.storage_url)
    await keep(store, CONTENT)
    assert store.root == root
    assert store.url == config.storage_url
    assert (root / storage.object_name(DIGEST)).read_bytes() == CONTENT


async def test_a_root_that_is_no_directory_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        await keep(storage.LocalStorage(tmp_path / "file"), CONTENT)
