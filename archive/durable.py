"""What outlives a loss of power: bytes, the names that they have, and the directories that hold those names."""

import os
from pathlib import Path
from typing import BinaryIO

READ_ONLY = 0o440
"""What lies in storage is never written to again, not even by way of a hard link; its group may read it."""


def put(path: Path, file: BinaryIO, target: Path) -> None:
    """Sync the file, rename it to the target, and sync the directory that names it now."""
    os.fchmod(file.fileno(), READ_ONLY)
    os.fsync(file.fileno())
    make_directories(target.parent)
    path.replace(target)
    sync_directory(target.parent)


def make_directories(directory: Path) -> None:
    """Make a directory durably: the name of each new one is synced in its parent."""
    changed: set[Path] = set()
    make_missing(directory, changed)
    for one in changed:
        sync_directory(one)


def sync_directory(directory: Path) -> None:
    """Make durable which names are in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_missing(directory: Path, changed: set[Path]) -> None:
    """Make what is missing of it, and add to `changed` whatever has a new name in it then."""
    try:
        os.mkdir(directory)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_missing(directory.parent, changed)
        make_missing(directory, changed)
        return
    changed.add(directory.parent)
