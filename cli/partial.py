"""A file that is being downloaded: it takes its name only when it is whole, and an interrupted one can go on."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path

from archive import durable
from archive.media import signatures
from cli import failures
from orchestration.resumption import Begun


class Partial:
    """`.<stem>.part` in a directory, and beside it what proves later that the rest belongs to it.

    Use it as a context manager. What was not finished by its end stays, for the next time.
    """

    def __init__(self, directory: Path, stem: str, subject: str) -> None:
        """`subject` is what is downloaded: what was begun of something else is not gone on with."""
        self._directory, self._stem, self._subject = directory, stem, subject
        self._path = directory / f".{stem}.part"
        self._about = directory / f".{stem}.part.json"
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> "Partial":
        """Have it, alone. Raises CommandFailed while another command has it, and OSError."""
        while True:
            # Never through a link that somebody has put there.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            self._file = os.fdopen(descriptor, "r+b")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    return self
            except BlockingIOError:
                self._file.close()
                raise failures.CommandFailed(f"another command is downloading {self._stem}: let it finish.") from None
            except FileNotFoundError:
                pass
            self._file.close()  # somebody finished it in between: it has its name, and is no business of ours

    def __exit__(self, *raised: object) -> None:
        try:
            with contextlib.suppress(OSError):  # a full disk, say: what is there of it can be gone on with
                self._file.flush()
            if os.fstat(self._file.fileno()).st_size == 0:
                self.discard()
        finally:
            with contextlib.suppress(OSError):
                self._file.close()  # and with it the lock

    def begun(self) -> Begun | None:
        """What is there from an earlier time and can be gone on with."""
        size = os.fstat(self._file.fileno()).st_size
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
            if size and about["subject"] == self._subject and isinstance(about["etag"], str):
                total = about["total"]
                return Begun(size, about["etag"], total if isinstance(total, int) else None)
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    async def begin(self, start: int, *, etag: str | None, total: int | None) -> None:
        """Take what follows for the bytes from `start` on; remember what a later time needs to go on."""
        await asyncio.to_thread(self._begin, start, etag, total)

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        await asyncio.to_thread(self._write, chunk)

    @property
    def digest(self) -> str:
        """The SHA-256 of what has come, in hex."""
        return self._hash.hexdigest()

    def media_type(self) -> str | None:
        """What the bytes say they are."""
        self._file.flush()
        self._file.seek(0)
        return signatures.media_type(self._file.read(signatures.HEAD_BYTES))

    async def finish(self, ending: str) -> Path:
        """Give the whole file its name, durably, in place of what had it; its path."""
        return await asyncio.to_thread(self._finish, ending)

    def discard(self) -> None:
        """Forget what has come."""
        for path in (self._path, self._about):
            path.unlink(missing_ok=True)

    def _begin(self, start: int, etag: str | None, total: int | None) -> None:
        self._file.seek(0)
        self._hash = hashlib.sha256()
        left = start
        while left and (chunk := self._file.read(min(left, 1 << 20))):
            self._hash.update(chunk)
            left -= len(chunk)
        self._file.seek(start)
        self._file.truncate()
        self.size = start
        if etag is None:
            self._about.unlink(missing_ok=True)
        else:
            about = {"subject": self._subject, "etag": etag, "total": total}
            with contextlib.suppress(OSError):  # all that is lost without it is going on
                self._about.write_text(json.dumps(about), encoding="utf-8")

    def _write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def _finish(self, ending: str) -> Path:
        self._file.flush()
        os.fsync(self._file.fileno())
        target = self._directory / f"{self._stem}.{ending}"
        os.replace(self._path, target)
        self._about.unlink(missing_ok=True)
        durable.sync_directory(self._directory)
        return target
