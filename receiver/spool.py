"""The spool: where authenticated deliveries wait on disk, durable, while PostgreSQL cannot take them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from receiver import metrics
from receiver.deliveries import Delivery
from receiver.spool_file import SUFFIX, SpoolFile

FILE_BYTES = 64 << 20
"""A file is finished when it is longer, so that what has been replayed does not fill the disk for long."""

NEARLY_FULL = 0.9

log = structlog.get_logger()


class SpoolFull(OSError):
    """The spool has as many bytes as it may."""


class Spool:
    """The files of this process under one directory, which is made if it is missing.

    `bytes_at_most` bounds what lies in this process's files, those adopted from ended processes included.
    """

    def __init__(self, directory: Path, *, bytes_at_most: int) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._bytes_at_most = bytes_at_most
        self._appending = asyncio.Lock()
        self._open: SpoolFile | None = None
        self.finished: list[SpoolFile] = []
        """Files that grow no more, oldest first: they are to be replayed and removed."""
        self.needed = False
        """PostgreSQL has failed a batch and has not answered since: what comes in goes here at once."""
        self.adopt()

    @property
    def bytes(self) -> int:
        """The size of all our files."""
        return sum(file.size for file in [*self.finished, *filter(None, [self._open])])

    @property
    def is_nearly_full(self) -> bool:
        """Whether there is hardly room for more."""
        return self.bytes > NEARLY_FULL * self._bytes_at_most

    def adopt(self) -> None:
        """Take over the files of processes that have ended."""
        ours = {file.path for file in [*self.finished, *filter(None, [self._open])]}
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            if path not in ours and (orphan := SpoolFile.adopt(path)):
                log.info("adopted a spool file of a process that has ended", file=path.name, bytes=orphan.size)
                self.finished.append(orphan)
        metrics.SPOOL_BYTES.set(self.bytes)

    async def append(self, batch: Sequence[Delivery]) -> None:
        """Make the deliveries durable. Raises OSError if that cannot be done (SpoolFull among them)."""
        async with self._appending:
            # A thread, since the disk may take its time; if we are cancelled, it is waited for all the same.
            appending = asyncio.ensure_future(asyncio.to_thread(self._append, batch))
            try:
                await asyncio.shield(appending)
            except asyncio.CancelledError:
                await asyncio.wait([appending])
                raise
            finally:
                metrics.SPOOL_BYTES.set(self.bytes)

    async def finish(self) -> None:
        """Append no more to the file that is open: what comes next goes into a new one."""
        async with self._appending:
            self._finish()

    def remove(self, file: SpoolFile) -> None:
        """Delete a finished file that has been replayed."""
        file.remove()
        self.finished.remove(file)
        metrics.SPOOL_BYTES.set(self.bytes)

    def close(self) -> None:
        """Let go of every file; the next process adopts them."""
        self._finish()
        for file in self.finished:
            file.close()
        self.finished.clear()

    def _append(self, batch: Sequence[Delivery]) -> None:
        if self.bytes >= self._bytes_at_most:
            raise SpoolFull(f"the spool has its {self._bytes_at_most} bytes")
        file = self._open or SpoolFile.create(self._directory)
        self._open = file
        try:
            file.append(batch, datetime.now(UTC))
        except OSError:
            # Whatever the disk has made of it, nothing shall stand behind a line that may be torn.
            self._finish()
            raise
        if file.size >= FILE_BYTES:
            self._finish()

    def _finish(self) -> None:
        if self._open:
            self.finished.append(self._open)
            self._open = None
