"""Replaying the spool: what was kept on disk goes into the tables, in order, as soon as PostgreSQL takes it.

The position in the file is committed in the transaction that writes its deliveries, so that a process killed at any
moment leaves neither a gap nor a second count.
"""

import asyncio
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import spools
from receiver import deliveries, metrics
from receiver.bell import Bell
from receiver.deliveries import Delivery
from receiver.spool import Spool
from receiver.spool_file import Record, SpoolFile

EVERY_SECONDS = 1.0
TRANSACTION_SECONDS = 10.0
BATCH_RECORDS = 200
BATCH_BYTES = 8 << 20

log = structlog.get_logger()


class Replay:
    """Empties the spool, for as long as `run` runs."""

    def __init__(self, engine: AsyncEngine, spool: Spool, bell: Bell) -> None:
        self._engine = engine
        self._spool = spool
        self._bell = bell

    async def run(self) -> None:
        """Replay whatever comes to lie in the spool, until cancelled."""
        failing = False
        while True:
            try:
                await self.replay()
                failing = False
            except Exception as error:  # whatever it is, the files stay and are tried again
                if not failing:
                    log.warning("the spool cannot be replayed yet", bytes=self._spool.bytes, error=repr(error))
                failing = True
            await asyncio.sleep(EVERY_SECONDS)

    async def replay(self) -> None:
        """Replay every file there is, ours and those of processes that have ended. Raises when PostgreSQL is away."""
        self._spool.adopt()
        while self._spool.bytes or self._spool.needed:
            async with asyncio.timeout(TRANSACTION_SECONDS), self._engine.connect() as connection:
                # First of all, lest each try while PostgreSQL is away ends a file.
                await spools.position(connection, "")
            self._spool.needed = False
            await self._spool.finish()
            for file in list(self._spool.finished):
                await self._replay(file)

    async def _replay(self, file: SpoolFile) -> None:
        async with asyncio.timeout(TRANSACTION_SECONDS), self._engine.connect() as connection:
            position = await spools.position(connection, file.path.name)
        records = file.records(position)
        while some := await asyncio.to_thread(_next, records):
            await self._write(file, some)
        self._spool.remove(file)
        # After the file: the other way round, a kill in between would have it replayed twice.
        async with asyncio.timeout(TRANSACTION_SECONDS), self._engine.begin() as connection:
            await spools.forget(connection, file.path.name)
        log.info("replayed a spool file", file=file.path.name, bytes=file.size)

    async def _write(self, file: SpoolFile, records: Sequence[Record]) -> None:
        whole = [(record.delivery, record.end) for record in records if record.delivery is not None]
        if len(whole) < len(records):
            log.warning("skipped torn lines of a spool file; none was acknowledged", file=file.path.name)
        ends = [end for _, end in whole]

        async def write(part: Sequence[Delivery], first: int) -> None:
            async with asyncio.timeout(TRANSACTION_SECONDS), self._engine.begin() as connection:
                recorded = await deliveries.store(connection, part)
                await spools.advance(connection, file.path.name, ends[first + len(part) - 1])
            metrics.count_stored(part, recorded)
            metrics.REPLAYED.inc(len(part))
            self._bell.ring(recorded.due)

        await deliveries.whole_or_one_by_one([delivery for delivery, _ in whole], write)


def _next(records: Iterator[Record]) -> list[Record]:
    """The records for one transaction."""
    some: list[Record] = []
    size = 0
    while len(some) < BATCH_RECORDS and size < BATCH_BYTES and (record := next(records, None)):
        some.append(record)
        size += len(record.delivery.body) if record.delivery else 0
    return some
