"""Where the bytes lie: objects under their SHA-256, and documents that are replaced whole.

`Storage` is all that the rest of the house knows of it. What `keep` and `write` have returned from is durable:
it survives the loss of power.
"""

import asyncio
import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

READ_BYTES = 1 << 20


def object_name(digest: bytes) -> str:
    """The name in storage of the object with this SHA-256."""
    text = digest.hex()
    return f"objects/sha256/{text[:2]}/{text[2:4]}/{text}"


class Incoming:
    """A content being received into a temporary file, hashed and counted as it grows."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.size = 0
        self._file = file
        self._sha256 = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        self._file.write(chunk)
        self._sha256.update(chunk)
        self.size += len(chunk)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what has been written so far."""
        return self._sha256.digest()

    def sync(self) -> None:
        """Make what has been written durable."""
        self._file.flush()
        os.fsync(self._file.fileno())


class Storage(Protocol):
    """The promises of every kind of storage."""

    url: str

    def receive(self) -> AbstractContextManager[Incoming]:
        """A place to receive a content; what was not kept by its end is removed."""

    async def keep(self, incoming: Incoming, *, media_type: str | None) -> None:
        """Put a received content under its digest, durably. One that is there already is left as it is."""

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        """Put a small content under a name, durably, replacing whole what was there."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """The content under a name, in chunks. Raises FileNotFoundError."""

    async def size(self, name: str) -> int | None:
        """The size of the content under a name, None if there is none."""


class LocalStorage:
    """A directory. Objects appear in it whole or not at all: written elsewhere, synced, then renamed into place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()
        self._incoming = root / "incoming"

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """A temporary file beside the objects, locked for as long as we live so that nobody takes it for abandoned."""
        _make_directories(self._incoming)
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        path = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield Incoming(path, file)
            finally:
                path.unlink(missing_ok=True)

    async def keep(self, incoming: Incoming, *, media_type: str | None) -> None:
        """Sync the file, then rename it into place, then sync the directories that name it."""
        del media_type  # a directory has no place for it; the row and the manifest do
        await asyncio.to_thread(self._keep, incoming)

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write beside it, sync, and rename over what was there."""
        del media_type
        await asyncio.to_thread(self._write, name, content)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Chunks of at most a mebibyte."""
        with await asyncio.to_thread(open, self.root / name, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, READ_BYTES):
                yield chunk

    async def size(self, name: str) -> int | None:
        """What the file system says."""
        return await asyncio.to_thread(_size, self.root / name)

    def clear_abandoned(self) -> int:
        """Remove what killed processes left half received; how many there were."""
        cleared = 0
        for path in self._incoming.glob("*") if self._incoming.is_dir() else ():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                cleared += 1
        return cleared

    def _keep(self, incoming: Incoming) -> None:
        target = self.root / object_name(incoming.digest)
        incoming.sync()
        if _size(target) != incoming.size:
            _make_directories(target.parent)
            incoming.path.replace(target)
        # Also when it was there: whoever put it there may not have come to this line yet.
        _sync_directory(target.parent)

    def _write(self, name: str, content: bytes) -> None:
        target = self.root / name
        with self.receive() as incoming:
            incoming.write(content)
            incoming.sync()
            _make_directories(target.parent)
            incoming.path.replace(target)
            _sync_directory(target.parent)


def open_storage(url: str) -> LocalStorage:
    """The storage that a `STORAGE_URL` names."""
    return LocalStorage(Path(unquote(urlsplit(url).path)))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _make_directories(directory: Path) -> None:
    """Make a directory durably: the name of each new one is synced in its parent."""
    if directory.is_dir():
        return
    _make_directories(directory.parent)
    directory.mkdir(exist_ok=True)
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
