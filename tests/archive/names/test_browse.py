"""`browse/`: names for people over objects that stay where they are."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive import settings
from archive.names import browse, templates
from archive.names.browse import Browse, NameSet
from archive.names.naming import File
from archive.storage import object_name, opening
from archive.storage.local import LocalStorage
from tests.archive import stores

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> LocalStorage:
    store = LocalStorage(tmp_path / "storage")
    await store.mark("an-id")
    return store


@pytest.fixture
def tree(store: LocalStorage) -> Browse:
    return Browse(store, templates.parse(templates.DEFAULT))


async def stored(store: LocalStorage, name: str, content: bytes = b"cat") -> File:
    digest = await stores.keep(store, content)
    return File(name, digest.hex(), len(content), NOW)


def shown(store: LocalStorage) -> dict[str, bytes]:
    return stores.files(store.root / "browse")


async def test_a_name_is_a_hard_link_to_an_object(store: LocalStorage, tree: Browse) -> None:
    file = await stored(store, "2026/cat.png")
    await tree.show([file])
    link = store.root / "browse/2026/cat.png"
    assert link.samefile(store.root / f"objects/sha256/{file.digest[:2]}/{file.digest[2:4]}/{file.digest}")
    assert link.stat().st_mode & 0o222 == 0, "and nobody may write to it"


async def test_an_object_that_is_not_there_has_no_name_and_holds_no_other_up(store: LocalStorage, tree: Browse) -> None:
    missing = File("missing.png", hashlib.sha256(b"missing").hexdigest(), 7, NOW)
    await tree.show([missing, await stored(store, "cat.png")])
    assert shown(store) == {"cat.png": b"cat"}


async def test_names_are_taken_away_and_objects_stay(store: LocalStorage, tree: Browse) -> None:
    file = await stored(store, "a/cat.png")
    await tree.show([file, File("b/cat.png", file.digest, 3, NOW)])
    await tree.hide(["a/cat.png", "never/there.png"])
    assert shown(store) == {"b/cat.png": b"cat"}
    await browse.forget(store, [object_name(bytes.fromhex(file.digest))])
    assert shown(store) == {}
    assert len(stores.files(store.root / "objects")) == 1


async def test_what_does_not_belong_there_is_cleared(store: LocalStorage, tree: Browse) -> None:
    await tree.show([await stored(store, "old/cat.png"), await stored(store, "new/dog.png", b"dog")])
    (store.root / "browse/stray").symlink_to("/etc")
    wanted = NameSet()
    wanted.add(["new/dog.png"])
    async with tree.alone():
        assert await tree.clear_of_others(wanted) == 2
    assert shown(store) == {"new/dog.png": b"dog"}
    assert not (store.root / "browse/old").exists()


async def test_nobody_adds_a_name_while_another_is_alone_there(store: LocalStorage, tree: Browse) -> None:
    file = await stored(store, "cat.png")
    other = Browse(store, tree.template)
    async with tree.alone():
        showing = asyncio.create_task(other.show([file]))
        await tree.show([File("mine.png", file.digest, 3, NOW)])
        assert shown(store) == {"mine.png": b"cat"}
        assert not showing.done()
    await showing
    assert set(shown(store)) == {"cat.png", "mine.png"}


async def test_of_two_who_make_it_anew_one_waits_for_the_other(store: LocalStorage, tree: Browse) -> None:
    other = Browse(store, templates.parse("{workflow}"))

    async def make() -> None:
        async with other.turn():
            await other.clear_of_others(NameSet())

    file = await stored(store, "cat.png")
    async with tree.turn():
        making = asyncio.create_task(make())
        await tree.show([file])
        await asyncio.sleep(2 * browse.SECONDS_BETWEEN)
        assert shown(store) == {"cat.png": b"cat"}
    await making
    assert shown(store) == {}


def test_a_set_of_names_knows_what_was_added_before_and_after_it_was_asked() -> None:
    names = NameSet()
    assert "0" not in names
    names.add(str(number) for number in range(0, 1000, 2))
    assert "998" in names
    assert "999" not in names
    names.add(["999"])
    assert "999" in names
    assert "998" in names


def test_a_storage_without_hard_links_or_a_template_that_is_off_has_no_tree(tmp_path: Path) -> None:
    told = {"STORAGE_URL": (tmp_path / "storage").as_uri()}
    in_bucket = {"STORAGE_URL": "s3://bucket/prefix", "ARCHIVE_HOME": str(tmp_path)}
    for environment, has_tree in ((told, True), (told | {"BROWSE_TEMPLATE": "off"}, False), (in_bucket, False)):
        config = settings.read(environment)
        assert (browse.open_browse(config, opening.open_storage(config)) is not None) == has_tree
