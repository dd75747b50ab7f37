"""Copies for elsewhere: whole, checked, listed, and nothing of anybody else's touched."""

import asyncio
import hashlib
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive import exports
from archive.exports import MANIFEST, Busy, Damaged
from archive.names import trees
from archive.names.naming import File
from archive.names.trees import InTheWay
from archive.storage import Storage, object_name
from archive.storage.local import LocalStorage
from tests.archive import stores
from tests.archive.stores import S3Server, s3_server

MADE_AT = datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> LocalStorage:
    store = LocalStorage(tmp_path / "storage")
    await store.mark("an-id")
    return store


async def stored(store: Storage, name: str, content: bytes) -> File:
    digest = await stores.keep(store, content)
    return File(name, digest.hex(), len(content), MADE_AT)


async def export(store: Storage, to: Path, *files: File) -> list[bool]:
    """Whether each was copied, and not there already."""
    with exports.open_target(to) as target:
        copied = [await exports.copy(store, target, file) for file in files]
        await target.finish()
    return copied


async def break_off(store: Storage, to: Path, file: File) -> None:
    """Copy one, and end as if somebody had pressed Ctrl-C."""
    with exports.open_target(to) as target:
        await exports.copy(store, target, file)
        raise KeyboardInterrupt


def checked(directory: Path) -> str:
    """What the real sha256sum says of the list."""
    done = subprocess.run(
        ["/usr/bin/env", "sha256sum", "--check", "--strict", "--quiet", MANIFEST],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout + done.stderr


def listed(directory: Path) -> list[str]:
    return sorted(line.split("  ", 1)[1] for line in (directory / MANIFEST).read_text(encoding="utf-8").splitlines())


async def test_a_directory_gets_whole_files_and_a_list_that_sha256sum_accepts(
    store: LocalStorage, tmp_path: Path
) -> None:
    files = [await stored(store, "2026/夜の街 à b.png", b"city" * 500_000), await stored(store, "cat.png", b"cat")]
    to = tmp_path / "new" / "copy"
    assert await export(store, to, *files) == [True, True]
    assert checked(to) == ""
    assert listed(to) == ["2026/夜の街 à b.png", "cat.png"]
    assert set(stores.files(to)) == {*listed(to), MANIFEST}
    assert (to / "cat.png").stat().st_mtime == MADE_AT.timestamp()
    stores_own = store.root / object_name(hashlib.sha256(b"cat").digest())
    assert not (to / "cat.png").samefile(stores_own), "it is a copy, whatever becomes of the archive"


async def test_a_zip_file_can_be_unpacked_anywhere_and_its_list_is_right(store: LocalStorage, tmp_path: Path) -> None:
    to = tmp_path / "copy.ZIP"
    await export(store, to, await stored(store, "a/夜.png", b"night"), await stored(store, "cat.png", b"cat" * 1000))
    with zipfile.ZipFile(to) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a/夜.png", "cat.png", MANIFEST]
        assert {each.compress_type for each in archive.infolist()[:2]} == {zipfile.ZIP_STORED}
        assert archive.getinfo("cat.png").date_time == (2026, 3, 4, 5, 6, 8)
        archive.extractall(tmp_path / "unpacked")
    assert checked(tmp_path / "unpacked") == ""
    assert set(os.listdir(tmp_path)) == {"storage", "copy.ZIP", "unpacked"}


async def test_an_export_that_broke_off_goes_on(store: LocalStorage, tmp_path: Path) -> None:
    files = [await stored(store, f"{number}.png", b"%d" % number) for number in range(3)]
    with pytest.raises(KeyboardInterrupt):
        await break_off(store, tmp_path / "copy", files[0])
    (tmp_path / "copy" / f"{trees.TEMPORARY}of-a-killed-one").write_bytes(b"half")
    assert set(stores.files(tmp_path / "copy")) == {"0.png", f"{trees.TEMPORARY}of-a-killed-one"}
    assert await export(store, tmp_path / "copy", *files) == [False, True, True]
    assert set(stores.files(tmp_path / "copy")) == {"0.png", "1.png", "2.png", MANIFEST}
    assert checked(tmp_path / "copy") == ""


async def test_a_zip_file_that_broke_off_is_not_there(store: LocalStorage, tmp_path: Path) -> None:
    file = await stored(store, "cat.png", b"cat")
    with pytest.raises(KeyboardInterrupt):
        await break_off(store, tmp_path / "copy.zip", file)
    assert os.listdir(tmp_path) == ["storage"]


async def test_what_a_killed_export_left_of_a_zip_file_goes_with_the_next_and_what_another_writes_stays(
    store: LocalStorage, tmp_path: Path
) -> None:
    file = await stored(store, "cat.png", b"cat")
    to = tmp_path / "exports"
    to.mkdir()
    killed = f"""
import os, pathlib
from archive import exports
with exports.open_target(pathlib.Path({str(to / "copy.zip")!r})):
    os.kill(os.getpid(), 9)
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", killed)
    assert await process.wait() == -9
    assert len(list(to.iterdir())) == 1
    with exports.open_target(to / "other.zip") as other:
        await exports.copy(store, other, file)
        await export(store, to / "copy.zip", file)
        assert len(list(to.iterdir())) == 2, "that of the other, and the copy"
        await other.finish()
    assert {path.name for path in to.iterdir()} == {"copy.zip", "other.zip"}


async def test_a_second_export_adds_to_the_list_of_the_first_and_mends_its_files(
    store: LocalStorage, tmp_path: Path
) -> None:
    cat, dog, fox = [await stored(store, f"{name}.png", name.encode()) for name in ("cat", "dog", "fox")]
    await export(store, tmp_path / "copy", cat, fox)
    (tmp_path / "copy/cat.png").write_bytes(b"rotten")
    (tmp_path / "copy/fox.png").unlink()
    assert await export(store, tmp_path / "copy", cat, dog) == [True, True]
    assert listed(tmp_path / "copy") == ["cat.png", "dog.png"], "and what somebody has removed is not listed"
    assert checked(tmp_path / "copy") == ""


async def test_what_somebody_else_has_put_there_is_never_replaced(store: LocalStorage, tmp_path: Path) -> None:
    file = await stored(store, "cat.png", b"cat")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/cat.png").write_bytes(b"my own cat")
    with pytest.raises(InTheWay, match=r"cat\.png is there already, and something else: move it away"):
        await export(store, tmp_path / "copy", file)
    (tmp_path / "mine.zip").write_bytes(b"mine")
    with pytest.raises(InTheWay, match=r"mine\.zip is there already"):
        await export(store, tmp_path / "mine.zip", file)
    assert (tmp_path / "copy/cat.png").read_bytes() == b"my own cat"
    assert (tmp_path / "mine.zip").read_bytes() == b"mine"


@pytest.mark.parametrize("to", ["copy", "copy.zip"])
async def test_two_files_never_share_a_name_silently(store: LocalStorage, tmp_path: Path, to: str) -> None:
    files = [await stored(store, "same.png", body) for body in (b"one", b"two")]
    with pytest.raises(InTheWay):
        await export(store, tmp_path / to, *files)


async def test_a_planted_symlink_leads_nowhere(store: LocalStorage, tmp_path: Path) -> None:
    for directory in ("copy", "elsewhere"):
        (tmp_path / directory).mkdir()
    (tmp_path / "copy/a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InTheWay):
        await export(store, tmp_path / "copy", await stored(store, "a/cat.png", b"cat"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("to", ["copy", "copy.zip"])
async def test_what_is_damaged_or_missing_in_storage_is_not_in_the_copy(
    store: LocalStorage, tmp_path: Path, to: str
) -> None:
    cat, dog, fox = [await stored(store, f"{name}.png", name.encode()) for name in ("cat", "dog", "fox")]
    rotten = store.root / object_name(bytes.fromhex(cat.digest))
    rotten.unlink()
    rotten.write_bytes(b"cot")
    (store.root / object_name(bytes.fromhex(dog.digest))).unlink()
    with exports.open_target(tmp_path / to) as target:
        with pytest.raises(Damaged):
            await exports.copy(store, target, cat)
        with pytest.raises(FileNotFoundError):
            await exports.copy(store, target, dog)
        assert await exports.copy(store, target, fox)
        await target.finish()
    if to.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / to) as archive:
            assert archive.namelist() == ["fox.png", MANIFEST]
            assert archive.testzip() is None
    else:
        assert set(stores.files(tmp_path / to)) == {"fox.png", MANIFEST}
        assert checked(tmp_path / to) == ""


async def test_only_one_at_a_time_exports_to_a_directory(tmp_path: Path) -> None:
    other = exports.open_target(tmp_path / "copy")
    with exports.open_target(tmp_path / "copy"), pytest.raises(Busy, match="another export is writing to"):
        other.__enter__()


async def test_a_bucket_is_exported_like_a_disk(tmp_path: Path) -> None:
    with s3_server(tmp_path / "s3") as server:
        store = _bucket(server, tmp_path)
        await store.mark("an-id")
        files = [await stored(store, "cat.png", b"cat" * 1_000_000), await stored(store, "dog.png", b"dog")]
        assert await export(store, tmp_path / "copy", *files) == [True, True]
    assert checked(tmp_path / "copy") == ""


def _bucket(server: S3Server, tmp_path: Path) -> Storage:
    return server.storage("exported", tmp_path / "home")
