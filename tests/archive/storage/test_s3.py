"""Storage in a bucket, on a store that is real and checks signatures."""

import asyncio
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import storage
from archive.storage import s3
from archive.storage.s3 import S3Storage
from archive.storage_errors import StorageUnavailable
from tests import working
from tests.archive import stores
from tests.archive.stores import SECRET, content, keep
from tests.orchestration import servers

CONTENT = b"content of an object"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[stores.S3Server]:
    """A store that a test may kill."""
    with stores.s3_server(tmp_path / "s3") as server:
        yield server


@pytest.fixture
def store(server: stores.S3Server, tmp_path: Path) -> S3Storage:
    return server.storage("a/prefix", tmp_path)


def left_over(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "incoming").glob("*"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "a-wrong-secret"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "NOBODYSKEY0000000001"}, "InvalidAccessKeyId"),
    ],
)
async def test_a_wrong_key_is_refused_in_a_sentence_without_it(
    server: stores.S3Server, tmp_path: Path, wrong: dict[str, str], reason: str
) -> None:
    store = server.storage("a/prefix", tmp_path, **wrong)
    sentence = (
        f"The storage at s3://archive/a/prefix cannot be used ({reason}): "
        "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and what they may do there."
    )
    for attempt in (store.marked, lambda: store.mark("an-id"), lambda: content(store, "a")):
        with pytest.raises(StorageUnavailable) as refused:
            await attempt()
        assert str(refused.value) == sentence
        assert refused.value.__cause__ is None
    with pytest.raises(StorageUnavailable) as refused:
        await keep(store, CONTENT)
    assert "what they may do there" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert (server.files(""), left_over(tmp_path)) == ({}, [])


async def test_a_bucket_that_is_not_there_is_named_as_the_reason(server: stores.S3Server, tmp_path: Path) -> None:
    store = server.storage("", tmp_path, STORAGE_URL="s3://elsewhere")
    for attempt in (store.marked, lambda: keep(store, CONTENT), lambda: store.size("a"), lambda: content(store, "a")):
        with pytest.raises(StorageUnavailable, match=r"\(NoSuchBucket\): make the bucket, or correct STORAGE_URL"):
            await attempt()
    assert left_over(tmp_path) == []


async def test_a_store_that_does_not_answer_is_unavailable_and_work_goes_on_when_it_is_back(
    server: stores.S3Server, store: S3Storage, tmp_path: Path
) -> None:
    await store.mark("an-id")
    store.id = "an-id"
    server.kill()
    async with asyncio.timeout(20):
        for attempt in (lambda: keep(store, CONTENT), lambda: store.size("a"), lambda: content(store, "a")):
            with pytest.raises(StorageUnavailable, match=r"it does not answer.*: check that the store is up"):
                await attempt()
    assert left_over(tmp_path) == []
    server.start()
    await keep(store, CONTENT)
    assert len(server.files("a/prefix")) == 2


async def test_an_upload_that_breaks_off_leaves_no_object(
    server: stores.S3Server, store: S3Storage, tmp_path: Path
) -> None:
    large = os.urandom(64 << 20)
    keeping = asyncio.create_task(keep(store, large))
    await working.eventually(lambda: asyncio.to_thread(lambda: any(server.directory.rglob(f"*{stores.PARTS}*"))))
    server.kill()
    with pytest.raises(StorageUnavailable):
        await keeping
    assert left_over(tmp_path) == []
    server.start()
    name = storage.object_name(await keep(store, large))
    # What the killed store has kept of it, under a name of its own, is no object.
    kept = {name: content for name, content in server.files("a/prefix").items() if "/.rclone_temp" not in name}
    assert kept == {name: large}


async def test_an_object_says_what_it_is_to_whoever_asks_the_store(store: S3Storage) -> None:
    import obstore

    name = storage.object_name(await keep(store, CONTENT, media_type="image/webp"))
    answer = await obstore.get_async(store._store, name)
    assert answer.attributes["Content-Type"] == "image/webp"


async def test_what_the_store_cannot_copy_is_moved_all_the_same(
    store: S3Storage, server: stores.S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    async def refuse(*_: object) -> None:
        raise AssertionError("S3 copies no more than 5 GiB")

    monkeypatch.setattr(s3, "COPIED_AT_MOST", 1 << 20)
    monkeypatch.setattr(obstore, "copy_async", refuse)  # which the store of the tests would do
    large = os.urandom(3 * s3.PART_BYTES + 7)
    name = storage.object_name(await keep(store, large, media_type="video/mp4"))
    await store.move(name, "damaged/large")
    assert server.files("a/prefix") == {"damaged/large": large}
    answer = await obstore.get_async(store._store, "damaged/large")
    assert answer.attributes["Content-Type"] == "video/mp4"
    with pytest.raises(FileNotFoundError):
        await store.move(name, "damaged/large")


async def test_memory_does_not_grow_with_what_is_kept_or_read(store: S3Storage) -> None:
    async def keep_large(first: bytes) -> str:
        async with store.receive() as incoming:
            for _ in range(100):
                await incoming.write(first + bytes(1 << 20))
            await store.keep(incoming, media_type=None)
            return storage.object_name(incoming.digest)

    await keep(store, os.urandom(20 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = await asyncio.gather(*(keep_large(b"%d" % n) for n in range(4)))
    async for _ in store.read(names[0]):
        pass
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < 100, f"{grown} MiB more for 400 MiB"


async def test_no_secret_is_in_what_a_storage_says_of_itself(store: S3Storage) -> None:
    assert SECRET not in repr(vars(store))
    assert store.url == "s3://archive/a/prefix"


async def test_a_part_is_asked_for_as_a_part(tmp_path: Path) -> None:
    whole = os.urandom(1000)
    asked: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        (wanted,) = [line.partition("=")[2] for line in head.splitlines() if line.lower().startswith("range:")]
        asked.append(wanted)
        start, _, last = wanted.partition("-")
        end = int(last) + 1 if last else len(whole)
        told = f'Content-Range: bytes {start}-{end - 1}/1000\r\nContent-Length: {end - int(start)}\r\nETag: "e"\r\n'
        told += "Last-Modified: Sun, 22 Nov 2026 08:53:17 GMT\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 206 Partial Content\r\n{told}\r\n".encode() + whole[int(start) : end])

    async with servers.serve_raw(respond) as url:
        store = stores.S3Server(tmp_path, port=int(url.rpartition(":")[2])).storage("p", tmp_path)
        for start, end in ((0, 10), (10, 1000), (999, None)):
            assert b"".join([chunk async for chunk in store.read("name", start, end)]) == whole[start:end]
    assert asked == ["0-9", "10-999", "999-"]
