"""Storage: what every kind of it promises."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from archive import storage
from archive.storage import incoming
from archive.storage_errors import StorageUnavailable
from tests import working
from tests.archive.stores import Place, content, keep

CONTENT = b"content of an object"
DIGEST = hashlib.sha256(CONTENT).digest()
NAME = storage.object_name(DIGEST)


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=100)))
async def test_an_object_lies_under_the_sha256_of_its_bytes_however_they_came(
    place: Place, chunks: list[bytes]
) -> None:
    whole = b"".join(chunks)
    digest = await keep(place.store, *chunks)
    name = storage.object_name(digest)
    assert digest == hashlib.sha256(whole).digest()
    assert name == f"objects/sha256/{digest.hex()[:2]}/{digest.hex()[2:4]}/{digest.hex()}"
    assert place.files()[name] == whole
    assert await content(place.store, name) == whole
    assert await place.store.size(name) == len(whole)
    assert place.left_over() == []


@pytest.mark.parametrize("size", [incoming.PIECE_BYTES, storage.READ_BYTES + 7, 12 << 20])
async def test_a_large_content_is_received_in_any_chunks_and_comes_back_in_small_ones(place: Place, size: int) -> None:
    large = os.urandom(size)
    chunks = [large[start : start + 65_000] for start in range(0, size, 65_000)]
    name = storage.object_name(await keep(place.store, *chunks))
    assert name == storage.object_name(hashlib.sha256(large).digest())
    assert max([len(chunk) async for chunk in place.store.read(name)]) <= 2 * storage.READ_BYTES
    assert await content(place.store, name) == large
    assert await place.store.size(name) == size


async def test_the_same_content_twice_is_one_object_left_as_it_is(place: Place) -> None:
    await keep(place.store, CONTENT)
    before = (place.root / NAME).stat()
    await asyncio.gather(*(keep(place.store, CONTENT) for _ in range(8)))
    after = (place.root / NAME).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert place.files() == {NAME: CONTENT}


async def test_an_object_that_lost_bytes_is_put_right(place: Place) -> None:
    await keep(place.store, CONTENT)
    await place.store.write(NAME, CONTENT[:5], media_type="image/png")
    await keep(place.store, CONTENT)
    assert place.files() == {NAME: CONTENT}


async def test_an_object_of_the_right_size_and_the_wrong_bytes_is_put_right(place: Place) -> None:
    await keep(place.store, CONTENT)
    await place.store.write(NAME, CONTENT.swapcase(), media_type="image/png")
    await keep(place.store, CONTENT)
    assert place.files() == {NAME: CONTENT}


async def test_what_is_not_kept_leaves_nothing(place: Place) -> None:
    async with place.store.receive() as receiving:
        await receiving.write(CONTENT * incoming.PIECE_BYTES)
        assert len(place.left_over()) == 1
    assert (place.files(), place.left_over()) == ({}, [])


async def test_what_breaks_off_leaves_nothing(place: Place) -> None:
    async def break_off() -> None:
        async with place.store.receive() as receiving:
            await receiving.write(CONTENT * incoming.PIECE_BYTES)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await break_off()
    assert (place.files(), place.left_over()) == ({}, [])


@pytest.mark.parametrize("after", [0, 0.001, 0.005, 0.02, 0.1])
async def test_what_is_cancelled_leaves_nothing_half_done(place: Place, after: float) -> None:
    large = os.urandom(12 << 20)

    async def receive() -> None:
        async with place.store.receive() as receiving:
            for start in range(0, len(large), 1 << 20):
                await receiving.write(large[start : start + (1 << 20)])
            await place.store.keep(receiving, media_type=None)

    receiving = asyncio.create_task(receive())
    await asyncio.sleep(after)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    # A thread that was under way goes on to its end.
    await working.eventually(lambda: asyncio.to_thread(lambda: not place.left_over()))
    assert set(place.files().values()) <= {large}
    await receive()
    assert set(place.files().values()) == {large}


async def test_no_half_received_content_is_ever_seen_among_the_objects(place: Place) -> None:
    async with place.store.receive() as receiving:
        await receiving.write(CONTENT)
        with receiving.held():
            assert not (place.root / "objects").exists()
        await place.store.keep(receiving, media_type=None)
    assert place.files() == {NAME: CONTENT}


async def test_what_is_over_takes_nothing_more(place: Place) -> None:
    async with place.store.receive() as receiving:
        await receiving.write(CONTENT)
    with pytest.raises(ValueError, match="not being received any more"):
        await place.store.keep(receiving, media_type=None)
    await receiving.write(CONTENT * incoming.PIECE_BYTES)
    assert (place.files(), place.left_over()) == ({}, [])


async def test_any_part_of_a_content_can_be_read(place: Place) -> None:
    whole = os.urandom(storage.READ_BYTES + 99)
    await place.store.write("whole", whole, media_type="text/plain")
    for start, end in (
        *((0, None), (0, 1), (0, 0), (7, 7), (5, 99), (storage.READ_BYTES - 3, storage.READ_BYTES + 9)),
        *((len(whole) - 1, None), (len(whole) - 9, len(whole)), (3, None)),
    ):
        read = b"".join([chunk async for chunk in place.store.read("whole", start, end)])
        assert read == whole[start:end], (start, end)
    with pytest.raises(FileNotFoundError):
        await anext(place.store.read("absent", 1, 2))


async def test_a_name_that_is_not_there_is_not_there(place: Place) -> None:
    assert await place.store.size("objects/none") is None
    with pytest.raises(FileNotFoundError, match=r"objects/none is not in (file|s3)://"):
        await content(place.store, "objects/none")


async def test_a_document_is_replaced_whole(place: Place) -> None:
    for version in (b"{}", b'{"a": 1}', b""):
        await place.store.write("workflows/2026/11/22/a.json", version, media_type="application/json")
        assert place.files() == {"workflows/2026/11/22/a.json": version}
        assert await content(place.store, "workflows/2026/11/22/a.json") == version


async def test_a_listing_tells_all_that_lies_in_a_folder_and_below(place: Place) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # some keep whole seconds
    for name in ("a/b/1.json", "a/2.json", "a/b/c/3.json", "ab/4.json", "5.json"):
        await place.store.write(name, name.encode(), media_type="application/json")
    listed = {entry.name: entry async for entry in place.store.list("a")}
    assert set(listed) == {"a/b/1.json", "a/2.json", "a/b/c/3.json"}
    assert all(entry.size == len(name) for name, entry in listed.items())
    assert all(before <= entry.written_at <= datetime.now(UTC) + timedelta(seconds=2) for entry in listed.values())
    assert {entry.name async for entry in place.store.list("a/b")} == {"a/b/1.json", "a/b/c/3.json"}
    assert [entry async for entry in place.store.list("none")] == []


async def test_a_listing_is_whole_however_long(place: Place) -> None:
    names = {f"many/{number % 7}/{number}" for number in range(1_100)}
    await asyncio.gather(*(place.store.write(name, b"", media_type="text/plain") for name in names))
    assert sorted([entry.name async for entry in place.store.list("many")]) == sorted(names)


async def test_what_is_moved_lies_under_its_new_name_alone(place: Place) -> None:
    await keep(place.store, CONTENT)
    await place.store.write("aside/it", b"what was there", media_type="image/png")
    await place.store.move(NAME, "aside/it")
    assert place.files() == {"aside/it": CONTENT}
    with pytest.raises(FileNotFoundError, match=rf"{NAME} is not in (file|s3)://"):
        await place.store.move(NAME, "aside/it")
    assert place.files() == {"aside/it": CONTENT}


async def test_what_is_removed_is_gone_and_may_be_removed_again(place: Place) -> None:
    await keep(place.store, CONTENT)
    for _ in range(2):
        await place.store.remove(NAME)
        assert place.files() == {}


async def test_a_new_place_has_no_marker_until_it_is_marked(place: Place) -> None:
    assert await place.store.marked() is None
    await place.store.mark("an-id")
    assert await place.store.marked() == "an-id"
    assert set(place.files()) == {storage.MARKER}
    await place.store.mark("an-id")
    assert await place.store.marked() == "an-id"


async def test_a_place_that_holds_other_things_is_not_taken(place: Place) -> None:
    await place.store.write("somebody/elses.txt", b"theirs", media_type="text/plain")
    with pytest.raises(StorageUnavailable, match=r"holds other things and no civitai-archive\.json: .*STORAGE_URL"):
        await place.store.marked()


@pytest.mark.parametrize("told", [b"", b"{", b"[]", b"{}", b'{"format": "civitai-archive/storage/1", "id": 7}'])
async def test_a_marker_that_is_none_is_refused_in_a_sentence(place: Place, told: bytes) -> None:
    await place.store.mark("an-id")
    await place.store.write(storage.MARKER, told, media_type="application/json")
    with pytest.raises(StorageUnavailable, match=r"is not what we write there: put the right one back"):
        await place.store.marked()


@pytest.mark.parametrize("what", ["size", "read", "move", "list"])
async def test_nothing_is_said_to_be_missing_from_a_storage_that_is_not_the_one_it_was(place: Place, what: str) -> None:
    place.store.id = "an-id"

    async def ask() -> None:
        match what:
            case "read":
                await content(place.store, NAME)
            case "move":
                await place.store.move(NAME, "aside")
            case "list":
                [entry async for entry in place.store.list("objects")]
            case _:
                await place.store.size(NAME)

    with pytest.raises(StorageUnavailable, match="is empty, and this archive has used it before: mount its volume"):
        await ask()
    await place.store.mark("another")
    with pytest.raises(StorageUnavailable, match=r"belongs to another archive \(its id is another, ours an-id\)"):
        await ask()
    place.store.id = "another"
    assert await place.store.size(NAME) is None


def test_the_marker_of_a_lost_storage_can_be_written_by_hand_as_the_sentence_says() -> None:
    said = str(storage.exchanged("file:///srv", "an-id", None))
    put = said.partition("put ")[2].partition(" into civitai-archive.json")[0]
    assert storage.read_marker(put.encode(), "file:///srv") == "an-id"
