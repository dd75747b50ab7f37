"""Fixity: what is still what it was stays, what is not is moved aside, and nothing is ever deleted."""

import hashlib
from pathlib import Path

import pytest

from archive import fixity
from archive.storage import object_name
from archive.storage.local import LocalStorage
from archive.storage_errors import StorageUnavailable
from tests.archive.stores import Place, content, files, keep

CONTENT = b"content of an object"
DIGEST = hashlib.sha256(CONTENT).digest()
NAME = object_name(DIGEST)
LARGE = bytes(3 << 20)


@pytest.mark.parametrize("whole", [CONTENT, LARGE, b""], ids=["small", "large", "empty"])
async def test_an_object_that_is_what_it_was_is_left_as_it_is(place: Place, whole: bytes) -> None:
    digest = await keep(place.store, whole)
    before = place.files()
    assert await fixity.look(place.store, digest) == fixity.Finding("whole")
    assert place.files() == before


@pytest.mark.parametrize("rotten", [CONTENT.swapcase(), CONTENT[:-1], CONTENT + b".", b""])
async def test_damaged_bytes_are_moved_aside_and_kept_there(place: Place, rotten: bytes) -> None:
    await keep(place.store, CONTENT)
    await place.store.write(NAME, rotten, media_type="image/png")
    finding = await fixity.look(place.store, DIGEST)
    assert finding.state == "damaged"
    assert finding.aside is not None
    assert finding.aside.startswith(f"damaged/{DIGEST.hex()}-")
    assert place.files() == {finding.aside: rotten}
    assert await fixity.look(place.store, DIGEST) == fixity.Finding("missing")


async def test_bytes_that_rot_again_take_nobodys_place(place: Place) -> None:
    for rotten in (b"first", b"second"):
        await keep(place.store, CONTENT)
        await place.store.write(NAME, rotten, media_type="image/png")
        await fixity.look(place.store, DIGEST)
    assert sorted(place.files().values()) == [b"first", b"second"]


async def test_what_was_put_right_while_it_was_looked_at_goes_back(tmp_path: Path) -> None:
    class PutRight(LocalStorage):
        """As if somebody had stored the object anew just before it is moved."""

        async def move(self, name: str, to: str) -> None:
            if name == NAME:
                await keep(self, CONTENT)
            await super().move(name, to)

    store = PutRight(tmp_path / "storage")
    await store.write(NAME, b"rotten", media_type="image/png")
    assert await fixity.look(store, DIGEST) == fixity.Finding("whole")
    assert files(store.root) == {NAME: CONTENT}


async def test_a_storage_that_is_not_there_has_lost_nothing(place: Place) -> None:
    await keep(place.store, CONTENT)
    place.store.id = "of the one that is not mounted"
    (place.root / NAME).unlink()
    with pytest.raises(StorageUnavailable):
        await fixity.look(place.store, DIGEST)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="its first byte is what cannot be read")
async def test_what_the_disk_cannot_read_is_damaged_and_stops_nobody(tmp_path: Path) -> None:
    store = LocalStorage(tmp_path / "storage")
    (store.root / NAME).parent.mkdir(parents=True)
    (store.root / NAME).symlink_to("/proc/self/mem")
    finding = await fixity.look(store, DIGEST)
    assert finding.state == "damaged"
    await keep(store, CONTENT)
    assert await content(store, NAME) == CONTENT
