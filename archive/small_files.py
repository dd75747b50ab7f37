"""Putting small files in their places together: one thread for all of them, and few waits for the disk.

Promise 5 holds for each: written beside, synced, renamed into place, and the directories that name it synced, before
anybody is told. Together they cost less, since a file system's journal takes many changes in one go.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from archive import incoming

READ_ONLY = 0o440
"""What lies in storage is never written to again, not even by way of a hard link; its group may read it."""


@dataclass(frozen=True)
class SmallFile:
    """A content and where it is to lie. It replaces what is there, unless that is the very same."""

    path: Path
    content: bytes


def put_all(files: Sequence[SmallFile], directory: Path) -> Mapping[int, Path]:
    """Put them in their places, all of them durable when this returns; `directory` is where they are written first.

    Gives what was replaced and has other names still: its inode, and in whose place it was. Raises OSError: then some
    may be there, and none may be relied upon.
    """
    missing: list[SmallFile] = []
    changed: set[Path] = set()
    replaced: dict[int, Path] = {}
    for file in files:
        if _lies_there(file):
            changed.add(file.path.parent)  # whoever put it there may not have come to the last line yet
        else:
            missing.append(file)
            replaced |= named_elsewhere(file.path)
    with ExitStack() as until_placed:
        written = [until_placed.enter_context(_written(file.content, directory)) for file in missing]
        if sys.platform == "linux":
            for descriptor, _ in written:
                # Begins to write it. When the first is synced all are in the journal, and the others wait no more.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        for descriptor, _ in written:
            os.fsync(descriptor)
        for file, (_, beside) in zip(missing, written, strict=True):
            _rename(beside, file.path, changed)
        for one in changed:
            sync_directory(one)
    return replaced


def named_elsewhere(path: Path) -> Mapping[int, Path]:
    """The inode of what lies here, if something does and it has other names."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    return {found.st_ino: path} if found.st_nlink > 1 else {}


def make_directories(directory: Path) -> None:
    """Make a directory durably: the name of each new one is synced in its parent."""
    changed: set[Path] = set()
    _make_directories(directory, changed)
    for one in changed:
        sync_directory(one)


def sync_directory(directory: Path) -> None:
    """Make durable which names are in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lies_there(file: SmallFile) -> bool:
    try:
        with file.path.open("rb", buffering=0) as present:
            return present.read(len(file.content) + 1) == file.content
    except FileNotFoundError:
        return False


@contextmanager
def _written(content: bytes, directory: Path) -> Iterator[tuple[int, str]]:
    """A file that holds this, locked so that nobody takes it for abandoned. It is gone at the end unless renamed."""
    descriptor, beside = incoming.temporary(directory)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fchmod(descriptor, READ_ONLY)
        yield descriptor, beside
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    finally:
        os.close(descriptor)


def _rename(beside: str, path: Path, changed: set[Path]) -> None:
    try:
        os.replace(beside, path)
    except FileNotFoundError:
        _make_directories(path.parent, changed)
        os.replace(beside, path)
    changed.add(path.parent)


def _make_directories(directory: Path, changed: set[Path]) -> None:
    """Make what is missing of it, and add to `changed` whatever has a new name in it then."""
    try:
        os.mkdir(directory)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_directories(directory.parent, changed)
        _make_directories(directory, changed)
        return
    changed.add(directory.parent)
