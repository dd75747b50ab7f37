"""Receiving: a content on its way into storage, in a temporary file that is gone if nobody kept it.

Hashing and writing happen in threads, which leave Python's lock while they do, a piece at a time and in order: what
a content takes of memory is a piece, however large it is. One that is no larger than a piece stays in memory.
"""

import asyncio
import fcntl
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from archive import storage_errors

PIECE_BYTES = 1 << 20
"""Gathered before a thread is asked to hash and write: enough to be worth the way there and back."""

AHEAD_BYTES = 8 << 20
"""After so many the disk begins to write, so that there is little left to wait for at the end."""

_OVER = "it is not being received any more"


class Incoming:
    """A content that is being received. `size` counts what was written to it."""

    def __init__(self, directory: Path, prepare: Callable[[], None]) -> None:
        """Take the directory to receive it in, and what sees to it in a thread that the directory may be used."""
        self.size = 0
        self.is_over = False
        self._directory = directory
        self._prepare = prepare
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._hashed = 0  # of what is gathered, the first so many
        self._begun_bytes = 0  # of the file, which the disk has begun to write
        self._sha256 = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._lock = threading.Lock()

    async def write(self, chunk: bytes) -> None:
        """Append a chunk. Raises StorageUnavailable."""
        self.size += len(chunk)
        self._gathered.append(chunk)
        self._gathered_bytes += len(chunk)
        if self._gathered_bytes >= PIECE_BYTES:
            await asyncio.to_thread(self._flush)

    @property
    def is_in_memory(self) -> bool:
        """Whether all of it is, and nothing of it on the disk."""
        return self._file is None

    @property
    def content(self) -> bytes:
        """All of it, while it is in memory. Raises ValueError when it is over."""
        if self.is_over:
            raise ValueError(_OVER)
        return self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the whole; of what is on the disk, for whoever has held or opened it since the last chunk."""
        if self.is_in_memory:
            self._hash()
        return self._sha256.digest()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The whole of it, to be read and hashed by now: for a thread, unless it is little and in memory.

        Raises StorageUnavailable, and ValueError when it is over.
        """
        if self.is_in_memory:
            with self._lock:
                self._hash()
                yield BytesIO(self.content)
        else:
            with self.held() as (path, _), storage_errors.trouble(self._directory), path.open("rb") as file:
                yield file

    @contextmanager
    def held(self) -> Iterator[tuple[Path, BinaryIO]]:
        """For a thread: the file with everything in it, still open; nobody closes or removes it meanwhile.

        Raises StorageUnavailable, and ValueError when it is over.
        """
        with self._lock:
            yield self._written()

    def end(self) -> None:
        """For a thread: close the file and remove it, unless it was moved to where it is to stay."""
        with self._lock:
            self.is_over = True
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
            if self._path is not None:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        with self._lock:
            if not self.is_over:  # as it may be when whoever received it was cancelled
                self._written()

    def _written(self) -> tuple[Path, BinaryIO]:
        if self.is_over:
            raise ValueError(_OVER)
        with storage_errors.trouble(self._directory):
            path, file = self._opened()
            for piece in self._gathered:
                file.write(piece)
            file.flush()
            self._let_the_disk_begin(file)
        self._hash()
        self._gathered, self._gathered_bytes, self._hashed = [], 0, 0
        return path, file

    def _hash(self) -> None:
        for piece in self._gathered[self._hashed :]:
            self._sha256.update(piece)
        self._hashed = len(self._gathered)

    def _let_the_disk_begin(self, file: BinaryIO) -> None:
        ahead = file.tell() - self._begun_bytes
        if sys.platform == "linux" and ahead >= AHEAD_BYTES:
            os.posix_fadvise(file.fileno(), self._begun_bytes, ahead, os.POSIX_FADV_DONTNEED)
            self._begun_bytes += ahead

    def _opened(self) -> tuple[Path, BinaryIO]:
        if self._path is not None and self._file is not None:
            return self._path, self._file
        self._prepare()
        descriptor, name = temporary(self._directory)
        self._path, self._file = Path(name), os.fdopen(descriptor, "wb")
        return self._path, self._file


def temporary(directory: Path) -> tuple[int, str]:
    """A new file to write to, and its name, locked as long as it is open so that nobody takes it for abandoned."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)  # somebody cleared it before it was locked


@asynccontextmanager
async def receive(directory: Path, prepare: Callable[[], None]) -> AsyncIterator[Incoming]:
    """A content to be received into a directory; what nobody has moved away by the end is removed."""
    content = Incoming(directory, prepare)
    try:
        yield content
    finally:
        if content.is_in_memory:
            content.end()
        elif not content.is_over:
            # Shielded: also if we are cancelled now, the thread goes on to the end.
            await asyncio.shield(asyncio.to_thread(content.end))


def clear_abandoned(directory: Path) -> int:
    """Remove what killed processes left half received; how many there were."""
    cleared = 0
    for path in directory.glob("*") if directory.is_dir() else ():
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            cleared += 1
    return cleared
