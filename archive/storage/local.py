"""Storage in a directory. Objects appear in it whole or not at all: written beside, synced, renamed into place."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import structlog

from archive import durable, storage, storage_errors
from archive.names import trees
from archive.storage import Entry, incoming, small_files
from archive.storage.incoming import Incoming
from archive.storage.small_files import SmallFile
from archive.together import Together

GATHERING = 0.002  # seconds that the first of some small files waits for others
AT_ONCE = 128  # small files that are put in place together

BROWSE = "browse"
"""The folder of names for people, which are hard links to objects."""

_OF_THE_FILE_SYSTEM = frozenset({"lost+found"})  # which a new volume is not empty without

log = structlog.get_logger()


class LocalStorage:
    """A directory, on a file system that renames atomically."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()
        self.id: str | None = None
        self._incoming = root / "incoming"
        self._put: Together[SmallFile, None] = Together(
            self._put_all, gathering=lambda: GATHERING, at_once=AT_ONCE, is_one_at_fault=lambda _: True
        )

    async def marked(self) -> str | None:
        """What the marker says."""
        return await asyncio.to_thread(self._marked)

    async def mark(self, storage_id: str) -> None:
        """Make the directory and, in one step, its marker."""
        await asyncio.to_thread(self._mark, storage_id)

    def receive(self) -> AbstractAsyncContextManager[Incoming]:
        """Into a temporary file beside the objects."""
        return incoming.receive(self._incoming, self._prepare)

    async def keep(self, incoming: Incoming, *, media_type: str | None) -> None:
        """Sync the file, then rename it into place, then sync the directories that name it."""
        del media_type  # a directory has no place for it; the row and the manifest do
        if incoming.is_in_memory:
            await self._put(SmallFile(self.root / storage.object_name(incoming.digest), incoming.content))
        else:
            await asyncio.to_thread(self._keep, incoming)

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write beside it, sync, and rename over what was there."""
        del media_type
        await self._put(SmallFile(self.root / name, content))

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Chunks of at most a mebibyte."""
        with await asyncio.to_thread(self._open, name, start) as file:
            while chunk := await asyncio.to_thread(self._read, file, end):
                yield chunk

    async def size(self, name: str) -> int | None:
        """What the file system says."""
        return await asyncio.to_thread(self._size, name)

    async def list(self, prefix: str) -> AsyncIterator[Entry]:
        """A directory at a time."""
        directories = await asyncio.to_thread(self._directories, prefix)
        while (entries := await asyncio.to_thread(next, directories, None)) is not None:
            for entry in entries:
                yield entry

    async def move(self, name: str, to: str) -> None:
        """Rename it, and sync the directories that named it and name it now."""
        await asyncio.to_thread(self._move, name, to)

    async def remove(self, name: str) -> None:
        """Unlink it, and sync the directory that named it."""
        await asyncio.to_thread(self._remove, name)

    def clear_abandoned(self) -> int:
        """What was being received beside the objects."""
        return incoming.clear_abandoned(self._incoming)

    def _marked(self) -> str | None:
        with storage_errors.trouble(self.root):
            try:
                return storage.read_marker((self.root / storage.MARKER).read_bytes(), self.url)
            except FileNotFoundError:
                present = os.listdir(self.root) if self.root.exists() else []
        # A marker that was being written when we were killed is nobody else's.
        if any(name not in _OF_THE_FILE_SYSTEM and not name.startswith(storage.MARKER) for name in present):
            raise storage.occupied(self.url)
        return None

    def _mark(self, storage_id: str) -> None:
        with storage_errors.trouble(self.root):
            durable.make_directories(self.root)
            # Under a name of its own, so that two who mark at once with the same id do not meet.
            descriptor, beside = tempfile.mkstemp(prefix=f"{storage.MARKER}.", dir=self.root)
            with os.fdopen(descriptor, "wb") as file:
                file.write(storage.marker(storage_id))
                file.flush()
                os.fsync(descriptor)
            os.replace(beside, self.root / storage.MARKER)
            durable.sync_directory(self.root)

    def _check(self) -> None:
        """Make sure that it is still the same storage: a volume can go away while we run."""
        if self.id is not None and (found := self._marked()) != self.id:
            raise storage.exchanged(self.url, self.id, found)

    def _prepare(self) -> None:
        self._check()
        durable.make_directories(self._incoming)

    async def _put_all(self, files: Sequence[SmallFile]) -> Sequence[None]:
        return await asyncio.to_thread(self._put_all_within, files)

    def _put_all_within(self, files: Sequence[SmallFile]) -> Sequence[None]:
        with storage_errors.trouble(self.root):
            self._prepare()
            replaced = small_files.put_all(files, self._incoming)
        self._have_names_follow(replaced)
        return [None] * len(files)

    def _keep(self, incoming: Incoming) -> None:
        with incoming.held() as (path, file), storage_errors.trouble(self.root):
            self._check()
            target = self.root / storage.object_name(incoming.digest)
            if _size(target) == incoming.size and _digest(target) == incoming.digest:
                # Whoever put it there may not have come to this line yet.
                durable.sync_directory(target.parent)
            else:
                replaced = small_files.named_elsewhere(target)
                durable.put(path, file, target)
                self._have_names_follow(replaced)
        incoming.end()

    def _have_names_follow(self, replaced: Mapping[int, Path]) -> None:
        """Give the names that people have of what was replaced, and must have rotted, to what is in its place."""
        if not replaced:
            return
        names = trees.Tree(self.root / BROWSE)
        try:
            for name, inode in names.walk():
                if inode in replaced:
                    names.link(replaced[inode], name)
        except OSError as error:
            log.warning("browse/ is not current; civitai-archive browse makes it anew", error=str(error))

    def _open(self, name: str, start: int) -> BinaryIO:
        with storage_errors.trouble(self.root):
            try:
                file = (self.root / name).open("rb")
            except FileNotFoundError:
                self._check()
            else:
                file.seek(start)
                return file
        raise FileNotFoundError(f"{name} is not in {self.url}")

    def _read(self, file: BinaryIO, end: int | None) -> bytes:
        with storage_errors.trouble(self.root):
            left = storage.READ_BYTES if end is None else max(0, end - file.tell())
            return file.read(min(left, storage.READ_BYTES))

    def _size(self, name: str) -> int | None:
        with storage_errors.trouble(self.root):
            size = _size(self.root / name)
            if size is None:
                self._check()
            return size

    def _directories(self, prefix: str) -> Iterator[Sequence[Entry]]:
        with storage_errors.trouble(self.root):
            self._check()
            for directory, within, names in os.walk(self.root / prefix, onerror=_raise):
                within.sort()
                yield [entry for name in sorted(names) if (entry := self._entry(Path(directory, name)))]

    def _entry(self, path: Path) -> Entry | None:
        try:
            told = path.stat()
        except FileNotFoundError:  # it has gone meanwhile
            return None
        written_at = datetime.fromtimestamp(told.st_mtime, UTC)
        return Entry(path.relative_to(self.root).as_posix(), told.st_size, written_at)

    def _move(self, name: str, to: str) -> None:
        source, target = self.root / name, self.root / to
        with storage_errors.trouble(self.root):
            self._check()
            durable.make_directories(target.parent)
            with suppress(FileNotFoundError):
                source.replace(target)
                durable.sync_directory(target.parent)
                durable.sync_directory(source.parent)
                return
        raise FileNotFoundError(f"{name} is not in {self.url}")

    def _remove(self, name: str) -> None:
        path = self.root / name
        with storage_errors.trouble(self.root):
            self._check()
            with suppress(FileNotFoundError):
                path.unlink()
                durable.sync_directory(path.parent)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:  # it has been moved aside meanwhile
        return None


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
