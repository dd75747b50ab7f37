"""Storage in a directory whose volume is away, another, full or closed: never written to, and said in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archive.storage.incoming import PIECE_BYTES
from archive.storage.local import LocalStorage
from archive.storage_errors import StorageUnavailable
from tests.archive.stores import files, keep

CONTENT = b"content of an object"
NO_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="nothing is denied to root")


async def test_a_root_that_is_no_directory_is_unavailable_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        StorageUnavailable, match=r"cannot be used \((Not a directory|File exists)\): check that its vol"
    ):
        await keep(LocalStorage(tmp_path / "file"), CONTENT)


def unmount(store: LocalStorage) -> Path:
    """Take the volume away and leave its mount point; where it is now."""
    volume = store.root.rename(store.root.with_name("volume"))
    store.root.mkdir()
    return volume


async def test_a_volume_that_went_away_is_not_filled(marked: LocalStorage) -> None:
    unmount(marked)
    with pytest.raises(StorageUnavailable, match="mount its volume"):
        await keep(marked, CONTENT)
    with pytest.raises(StorageUnavailable, match="mount its volume"):
        await marked.write("m.json", b"{}", media_type="application/json")
    assert files(marked.root) == {}


async def test_a_volume_that_goes_away_during_a_download_takes_nothing_with_it(marked: LocalStorage) -> None:
    async with marked.receive() as incoming:
        await incoming.write(bytes(PIECE_BYTES))
        volume = unmount(marked)
        with pytest.raises(StorageUnavailable, match="mount its volume"):
            await marked.keep(incoming, media_type=None)
    assert files(marked.root) == {}
    marked.root.rmdir()
    volume.rename(marked.root)
    marked.clear_abandoned()
    await keep(marked, CONTENT)
    assert len(files(marked.root)) == 2


async def test_another_volume_in_its_place_is_not_filled(marked: LocalStorage) -> None:
    unmount(marked)
    await LocalStorage(marked.root).mark("another")
    with pytest.raises(StorageUnavailable, match="belongs to another archive"):
        await keep(marked, CONTENT)


KEEPING = """
import asyncio, sys
from pathlib import Path
from archive.storage.local import LocalStorage
from archive.storage_errors import StorageUnavailable

async def keep(store):
    async with store.receive() as incoming:
        for _ in range(8):
            await incoming.write(bytes(1 << 20))
        await store.keep(incoming, media_type=None)

store = LocalStorage(Path(sys.argv[1]))
try:
    asyncio.run(keep(store))
except StorageUnavailable as error:
    print(error)
    print([path.name for path in store.root.rglob("*") if path.is_file()])
"""


def on_a_volume(options: str, root: Path) -> str:
    """What keeping 8 MiB says on a small file system of its own, which this process alone can see."""
    root.mkdir()
    commands = f'mount -t tmpfs -o {options} none "$1" && exec "$2" -c "$3" "$1"'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "--"]
    try:
        subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", str(root)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here: needs unshare and user namespaces")
    keeping = [*unshare, "sh", "-c", commands, "sh", str(root), sys.executable, KEEPING]
    return subprocess.run(keeping, check=True, capture_output=True, text=True).stdout


def test_a_full_disk_is_said_to_be_one_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    said = on_a_volume("size=4m", tmp_path / "full")
    reason = "cannot be used (No space left on device): make room there."
    assert said == f"The storage in {tmp_path / 'full' / 'incoming'} {reason}\n[]\n"


def test_a_read_only_volume_is_said_to_be_one(tmp_path: Path) -> None:
    said = on_a_volume("ro", tmp_path / "sealed")
    assert "cannot be used (Read-only file system): mount it for writing.\n[]\n" in said


@NO_ROOT
async def test_what_is_denied_is_unavailable_in_a_sentence(marked: LocalStorage) -> None:
    await keep(marked, b"so that its directories are there")
    (marked.root / "incoming").chmod(0o500)
    try:
        with pytest.raises(StorageUnavailable, match=r"Permission denied\): let the user that we run as"):
            await keep(marked, CONTENT)
    finally:
        (marked.root / "incoming").chmod(0o700)
    await keep(marked, CONTENT)
