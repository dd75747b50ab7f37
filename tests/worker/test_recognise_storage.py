import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import storage
from archive.storage.local import LocalStorage
from archive.storage_errors import StorageUnavailable
from tests.worker import rows
from worker.recognise_storage import recognise


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "storage"


async def recognised(engine: AsyncEngine, root: Path) -> str | None:
    """Have a worker that starts look at it; the id that it found or chose."""
    store = LocalStorage(root)
    await recognise(engine, store)
    return store.id


def made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def unmount(root: Path, *, mount_point: bool) -> Path:
    """Take the volume away; where it is now."""
    volume = root.rename(root.with_name("volume"))
    if mount_point:
        root.mkdir()
    return volume


def mount(volume: Path, root: Path) -> None:
    assert list(root.glob("*")) == [], "nothing was written where it was missing"
    shutil.rmtree(root, ignore_errors=True)
    volume.rename(root)


async def forget_everything(engine: AsyncEngine) -> None:
    await rows.execute(engine, "TRUNCATE storage_markers, objects CASCADE")


@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
async def test_a_fresh_installation_takes_an_empty_place_and_marks_it(
    engine: AsyncEngine, root: Path, there: bool
) -> None:
    if there:
        (root / "lost+found").mkdir(parents=True)
    first = await recognised(engine, root)
    assert first
    assert storage.read_marker((root / storage.MARKER).read_bytes(), "") == first
    assert await recognised(engine, root) == first


async def test_workers_that_start_at_once_agree(engine: AsyncEngine, root: Path) -> None:
    assert len({*await asyncio.gather(*(recognised(engine, root) for _ in range(8)))}) == 1


async def test_a_worker_that_was_killed_before_it_wrote_the_marker_is_followed_by_one_that_does(
    engine: AsyncEngine, root: Path
) -> None:
    await rows.execute(engine, "INSERT INTO storage_markers (id, chosen_at) VALUES ('chosen', now())")
    (made(root) / f"{storage.MARKER}.123").write_bytes(b'{"for')
    assert await recognised(engine, root) == "chosen"


async def test_a_wiped_database_takes_on_the_storage_that_it_finds(engine: AsyncEngine, root: Path) -> None:
    first = await recognised(engine, root)
    await forget_everything(engine)
    assert await recognised(engine, root) == first


async def test_an_id_that_was_never_written_gives_way_to_one_that_was(engine: AsyncEngine, root: Path) -> None:
    await rows.execute(engine, "INSERT INTO storage_markers (id, chosen_at) VALUES ('chosen', now())")
    await LocalStorage(root).mark("written")
    assert await recognised(engine, root) == "written"


@pytest.mark.parametrize("mount_point", [True, False], ids=["empty", "missing"])
async def test_a_volume_that_is_not_mounted_is_refused_and_not_filled(
    engine: AsyncEngine, root: Path, mount_point: bool
) -> None:
    first = await recognised(engine, root)
    volume = unmount(root, mount_point=mount_point)
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="is empty, and this archive has used it before: mount its volume"):
            await recognised(engine, root)
    mount(volume, root)
    assert await recognised(engine, root) == first


async def test_a_database_that_knows_objects_and_no_storage_does_not_take_an_empty_one(
    engine: AsyncEngine, root: Path
) -> None:
    await rows.execute(engine, "INSERT INTO objects (digest, size, stored_at) VALUES (sha256('x'), 1, now())")
    with pytest.raises(StorageUnavailable, match="is empty, and this archive has used it before"):
        await recognised(engine, root)


async def test_a_lost_storage_is_begun_anew_with_the_marker_that_the_sentence_says(
    engine: AsyncEngine, root: Path
) -> None:
    first = await recognised(engine, root)
    shutil.rmtree(root)
    with pytest.raises(StorageUnavailable) as refused:
        await recognised(engine, root)
    (made(root) / storage.MARKER).write_text(str(refused.value).partition("put ")[2].partition(" into ")[0])
    assert await recognised(engine, root) == first


async def test_another_archive_s_storage_is_refused(engine: AsyncEngine, root: Path, tmp_path: Path) -> None:
    await recognised(engine, root)
    await LocalStorage(tmp_path / "other").mark("somebody-else")
    with pytest.raises(StorageUnavailable, match="belongs to another archive"):
        await recognised(engine, tmp_path / "other")


async def test_a_directory_of_other_things_is_refused(engine: AsyncEngine, root: Path) -> None:
    (made(root) / "holiday.jpeg").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="holds other things"):
        await recognised(engine, root)
    assert await rows.select(engine, "SELECT * FROM storage_markers") == []
