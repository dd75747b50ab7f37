"""Small files, put in their places together: whole, read-only, and nothing left beside them."""

import errno
import os
import threading
from pathlib import Path

import pytest

from archive import durable
from archive.storage import small_files
from archive.storage.small_files import SmallFile


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    directory = tmp_path / "beside"
    directory.mkdir()
    return directory


def there(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_all_of_them_lie_where_they_are_to_and_nobody_may_write_to_them(tmp_path: Path, beside: Path) -> None:
    contents = {f"a/{number % 3}/b/{number}": os.urandom(number * 1000) for number in range(20)}
    small_files.put_all([SmallFile(tmp_path / name, content) for name, content in contents.items()], beside)
    assert there(tmp_path) == contents
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in contents} == {durable.READ_ONLY}


def test_what_lies_there_already_is_left_as_it_is_and_other_content_is_replaced(tmp_path: Path, beside: Path) -> None:
    same, other = SmallFile(tmp_path / "same", b"same"), SmallFile(tmp_path / "other", b"other")
    small_files.put_all([same, other], beside)
    inode = same.path.stat().st_ino
    small_files.put_all([same, SmallFile(other.path, b"othe"), SmallFile(tmp_path / "new", b"new")], beside)
    assert there(tmp_path) == {"same": b"same", "other": b"othe", "new": b"new"}
    assert same.path.stat().st_ino == inode


def test_the_same_file_twice_in_a_batch_is_one(tmp_path: Path, beside: Path) -> None:
    small_files.put_all([SmallFile(tmp_path / "one", b"one")] * 2, beside)
    assert there(tmp_path) == {"one": b"one"}


def test_one_that_cannot_be_put_leaves_nothing_beside(tmp_path: Path, beside: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(OSError, match="file"):
        small_files.put_all([SmallFile(tmp_path / "file/below", b"x"), SmallFile(tmp_path / "good", b"good")], beside)
    assert list(beside.iterdir()) == []


def test_each_file_and_each_changed_directory_is_synced_before_anybody_is_told(
    tmp_path: Path, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watched where the house ends and the system begins: nothing else can show it without a loss of power."""
    synced: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def noted_replace(source: str, target: Path) -> None:
        assert source in synced
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    small_files.put_all([SmallFile(tmp_path / "a/b/one", b"one"), SmallFile(tmp_path / "a/b/two", b"two")], beside)
    assert set(synced[2:]) == {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a/b")}


def test_a_file_that_cannot_be_synced_is_not_put_and_none_is_closed_while_others_are_synced(
    tmp_path: Path, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, has_failed = list[str](), threading.Event()

    def fail_first(descriptor: int) -> None:
        if Path(name := os.readlink(f"/proc/self/fd/{descriptor}")).read_bytes() == b"0":
            has_failed.set()
            raise OSError(errno.EIO, "the disk is broken")
        assert has_failed.wait(10)
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        assert synced[-1] == name

    monkeypatch.setattr(os, "fsync", fail_first)
    with pytest.raises(OSError, match="broken"):
        small_files.put_all([SmallFile(tmp_path / name, name.encode()) for name in "01234"], beside)
    assert len(synced) == 4
    assert there(tmp_path) == {}
