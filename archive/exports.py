"""Copies for elsewhere: stored results under names for people, in a directory or a ZIP file, with their digests.

Every byte is hashed on its way. What is not what its digest says is not in the copy. Beside the files lies a list of
their digests, which `sha256sum -c` checks anywhere.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import uuid
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from archive.names import trees
from archive.names.browse import NameSet
from archive.names.naming import File
from archive.names.trees import InTheWay, Tree
from archive.storage import Storage, object_name

MANIFEST = "manifest-sha256.txt"
_UNFINISHED = ".zip.part"
_EARLIEST = 1980  # the first year that a ZIP file can tell


class Damaged(Exception):
    """The bytes in storage are not what their digest says: civitai-archive verify mends what it can"""


class Busy(OSError):
    """Somebody else is exporting to the same place."""


class Target(Protocol):
    """Where copies go. Its methods raise OSError; InTheWay when a name is taken by something that is not ours."""

    async def has(self, file: File) -> bool:
        """Whether it is there already, whole."""

    async def put(self, file: File, chunks: AsyncIterator[bytes]) -> None:
        """Copy it. Raises Damaged, and then it is not there."""

    async def finish(self) -> None:
        """Write the list of digests."""


@contextlib.contextmanager
def open_target(path: Path) -> Iterator[Target]:
    """A ZIP file if the name ends so, else a directory, which may hold an earlier export. Raises OSError."""
    with _zip(path) if path.suffix.lower() == ".zip" else _directory(path) as target:
        yield target


async def copy(store: Storage, target: Target, file: File) -> bool:
    """Copy a stored result; False if it is there already.

    Raises FileNotFoundError if storage has no such object, Damaged, InTheWay, and what reading and writing raise.
    """
    if await target.has(file):
        return False
    await target.put(file, store.read(object_name(bytes.fromhex(file.digest))))
    return True


class _Directory:
    """A directory, in which each file appears whole. An export that broke off is gone on with."""

    def __init__(self, root: Path, lines: IO[str]) -> None:
        self._root = root
        self._tree = Tree(root)
        self._lines = lines
        self._names = NameSet()
        self._ours = NameSet()  # what an earlier export has written may be replaced; nothing else may
        self._ours.add(name for _, name in self._listed())

    async def has(self, file: File) -> bool:
        return await asyncio.to_thread(self._has, file)

    async def put(self, file: File, chunks: AsyncIterator[bytes]) -> None:
        beside = self._root / f"{trees.TEMPORARY}{uuid.uuid4().hex}"
        try:
            with await asyncio.to_thread(beside.open, "xb") as content:
                await _write(file, chunks, content)
            await asyncio.to_thread(self._name, beside, file)
        finally:
            await asyncio.to_thread(beside.unlink, missing_ok=True)
        self._list(file)

    async def finish(self) -> None:
        await asyncio.to_thread(self._finish)

    def _has(self, file: File) -> bool:
        try:
            with os.fdopen(self._tree.open(file.name), "rb") as content:
                is_same = hashlib.file_digest(content, "sha256").hexdigest() == file.digest
        except FileNotFoundError:
            return False
        if not is_same and file.name not in self._ours:
            raise InTheWay(f"{self._root / file.name} is there already, and something else: move it away")
        if is_same:
            self._list(file)
        return is_same

    def _name(self, beside: Path, file: File) -> None:
        os.utime(beside, (file.made_at.timestamp(), file.made_at.timestamp()))
        self._tree.put(beside, file.name)

    def _list(self, file: File) -> None:
        self._names.add([file.name])
        self._lines.write(_line(file))

    def _finish(self) -> None:
        for digest, name in self._listed():
            if name not in self._names and self._is_there(name):
                self._lines.write(f"{digest}  {name}\n")
        self._lines.flush()
        os.fsync(self._lines.fileno())
        self._tree.put(self._root / Path(self._lines.name).name, MANIFEST)

    def _is_there(self, name: str) -> bool:
        try:
            os.close(self._tree.open(name))
        except OSError:
            return False
        return True

    def _listed(self) -> Iterator[tuple[str, str]]:
        """What an earlier export has listed: digest and name."""
        with contextlib.suppress(FileNotFoundError), (self._root / MANIFEST).open(encoding="utf-8") as lines:
            for line in lines:
                digest, _, name = line.rstrip("\n").partition("  ")
                if name and ".." not in name.split("/"):
                    yield digest, name


class _Zip:
    """A ZIP file, uncompressed, since pictures and films are already."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._lines: list[str] = []

    async def has(self, file: File) -> bool:
        if file.name in self._archive.NameToInfo:
            raise InTheWay(f"{file.name} would be there twice")
        return False

    async def put(self, file: File, chunks: AsyncIterator[bytes]) -> None:
        entry = zipfile.ZipInfo(file.name, (max(file.made_at.year, _EARLIEST), *file.made_at.timetuple()[1:6]))
        entry.external_attr = 0o644 << 16
        entry.file_size = file.size
        try:
            with self._archive.open(entry, "w", force_zip64=True) as content:
                await _write(file, chunks, content)
        except BaseException:
            # What has been written of it stays in the file, and no entry leads to it.
            if self._archive.NameToInfo.pop(file.name, None) is not None:
                self._archive.filelist.remove(entry)
            raise
        self._lines.append(_line(file))

    async def finish(self) -> None:
        self._archive.writestr(MANIFEST, "".join(self._lines))


@contextlib.contextmanager
def _directory(root: Path) -> Iterator[Target]:
    root.mkdir(parents=True, exist_ok=True)
    lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another export is writing to {root}: wait for its end") from None
        for left in root.glob(f"{trees.TEMPORARY}*"):
            left.unlink()
        listed = root / f"{trees.TEMPORARY}{MANIFEST}"
        try:
            with listed.open("x", encoding="utf-8") as lines:
                yield _Directory(root.resolve(), lines)
        finally:
            listed.unlink(missing_ok=True)
    finally:
        os.close(lock)


@contextlib.contextmanager
def _zip(path: Path) -> Iterator[Target]:
    if path.exists():
        raise InTheWay(f"{path} is there already: move it away, or choose another name")
    _clear_abandoned(path.parent)
    beside = path.with_name(f"{trees.TEMPORARY}{uuid.uuid4().hex}{_UNFINISHED}")
    try:
        with beside.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # so that nobody takes it for abandoned
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                yield _Zip(archive)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _clear_abandoned(directory: Path) -> None:
    """Remove what killed exports to ZIP files have left here half written."""
    for left in directory.glob(f"{trees.TEMPORARY}*{_UNFINISHED}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink(missing_ok=True)


async def _write(file: File, chunks: AsyncIterator[bytes], content: BinaryIO | IO[bytes]) -> None:
    sha256 = hashlib.sha256()

    def write(chunk: bytes) -> None:
        sha256.update(chunk)
        content.write(chunk)

    async for chunk in chunks:
        await asyncio.to_thread(write, chunk)
    if sha256.hexdigest() != file.digest:
        raise Damaged(f"{Damaged.__doc__}")


def _line(file: File) -> str:
    return f"{file.digest}  {file.name}\n"
