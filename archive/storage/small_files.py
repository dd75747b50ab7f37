"""Putting small files in their places together: one thread writes all of them, and they wait for the disk at once.

Promise 5 holds for each: written beside, synced, renamed into place, and the directories that name it synced, before
anybody is told. Together they cost less: a file system's journal takes many changes in one go, and a disk many flushes.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from archive import durable
from archive.storage import incoming

Item = TypeVar("Item")


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
                # Begins to write it, so that there is less to wait for.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        _at_once(os.fsync, [descriptor for descriptor, _ in written])
        for file, (_, beside) in zip(missing, written, strict=True):
            _rename(beside, file.path, changed)
        _at_once(durable.sync_directory, changed)
    return replaced


def named_elsewhere(path: Path) -> Mapping[int, Path]:
    """The inode of what lies here, if something does and it has other names."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    return {found.st_ino: path} if found.st_nlink > 1 else {}


_THREADS = 8
_WAITING = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="sync")


def _at_once(sync: Callable[[Item], None], items: Collection[Item]) -> None:
    """Sync these in threads that do nothing but wait: one by one, each would have the disk flushed for itself."""
    in_order = list(items)
    # A share for each thread: handing over a single file costs more of Python's time than syncing it.
    shares = [in_order[first::_THREADS] for first in range(min(_THREADS, len(in_order)))]
    if len(shares) > 1:
        waiting = [_WAITING.submit(_one_by_one, sync, share) for share in shares]
        futures.wait(waiting)  # for all of them, since a file must not be closed meanwhile
        for one in waiting:
            one.result()
    else:
        _one_by_one(sync, in_order)


def _one_by_one(sync: Callable[[Item], None], items: Iterable[Item]) -> None:
    for item in items:
        sync(item)


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
        os.fchmod(descriptor, durable.READ_ONLY)
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
        durable.make_missing(path.parent, changed)
        os.replace(beside, path)
    changed.add(path.parent)
