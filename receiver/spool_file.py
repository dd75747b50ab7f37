"""One file of the spool: lines that can be read back whatever happened to the process that wrote them.

A line is the CRC-32 of its rest in eight hexadecimal digits, a space, and a JSON object with `source`, `parameters`,
`received_at` (ISO 8601) and `body` (base64, struck of our secret). What a kill has torn is one line that no longer
adds up; reading goes on behind it.

A file belongs to the process that holds its lock, which the kernel lets go of when that ends, however it ends.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from archive import durable
from receiver import deliveries
from receiver.deliveries import Delivery

SUFFIX = ".spool"
_READ_BYTES = 4 << 20


class Record(NamedTuple):
    """What one line holds; None if it is torn. `end` is the position in the file behind it."""

    delivery: Delivery | None
    end: int


class SpoolFile:
    """A file that is ours: its lock is held until `close` or `remove`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor

    @classmethod
    def create(cls, directory: Path) -> "SpoolFile":
        """A new file. Its name tells when and by whom it was begun, and is never used twice."""
        path = directory / f"{time.time_ns():020}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        # Under another name until it is locked, or somebody might take it for that of a process that has ended.
        unlocked = path.with_suffix(".new")
        descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(path)
        durable.sync_directory(directory)
        return cls(path, descriptor)

    @classmethod
    def adopt(cls, path: Path) -> "SpoolFile | None":
        """A file whose process has ended, or None if it lives, or somebody else was quicker."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between our open and our lock another process may have replayed and removed it.
            if os.fstat(descriptor).st_nlink:
                return cls(path, descriptor)
        except BlockingIOError:
            pass
        os.close(descriptor)
        return None

    def append(self, batch: Sequence[Delivery], received_at: datetime) -> None:
        """Make the deliveries durable: all of them, or OSError and none (if the disk lets us take them back)."""
        lines = b"".join(_line(delivery, received_at) for delivery in batch)
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(lines)

    def records(self, position: int) -> Iterator[Record]:
        """The lines from a position on, to the end of the file."""
        torn = b""
        while data := os.pread(self._descriptor, _READ_BYTES, position + len(torn)):
            *lines, torn = (torn + data).split(b"\n")
            for line in lines:
                position += len(line) + 1
                yield Record(_delivery(line), position)
        if torn:
            yield Record(None, position + len(torn))

    def remove(self) -> None:
        """Delete the file, durably."""
        self.path.unlink(missing_ok=True)
        durable.sync_directory(self.path.parent)
        self.close()

    def close(self) -> None:
        """Let go of the file; whoever comes next may adopt it."""
        os.close(self._descriptor)


def _line(delivery: Delivery, received_at: datetime) -> bytes:
    record = {
        "source": delivery.source,
        "parameters": delivery.parameters,
        "received_at": received_at.isoformat(),
        "body": base64.b64encode(delivery.body).decode(),
    }
    text = json.dumps(record).encode()
    return b"%08x %b\n" % (binascii.crc32(text), text)


def _delivery(line: bytes) -> Delivery | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % binascii.crc32(text):
        return None
    record = json.loads(text)
    body = base64.b64decode(record["body"])
    received_at = datetime.fromisoformat(record["received_at"])
    return deliveries.read(record["source"], record["parameters"], body, received_at)
