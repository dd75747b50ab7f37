"""The intake: what comes in together is written together, and each is answered when its own COMMIT has come back.

1. A request hands its delivery over and waits (`keep`). When too much is waiting already, it is turned away.
2. A writer takes all that has come so far, up to a bound, and writes it in one transaction. What comes meanwhile makes
   the next batch: of one when there is little to do, large when there is much. When enough has come to be worth a
   second batch, that is prepared while PostgreSQL works on the first.
3. After the COMMIT everyone in the batch is told, and the bell rings.
4. A batch that PostgreSQL refuses is written one by one, so that only the delivery at fault goes into quarantine.
5. When PostgreSQL is away, or nobody knows whether a COMMIT has happened, the batch goes to the spool instead. Those
   who wait are told when it is on disk; the replay sorts out what is twice.
6. Only when the spool cannot take it either are they turned away.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import events
from receiver import deliveries, metrics
from receiver.bell import Bell
from receiver.deliveries import Delivery
from receiver.spool import Spool

BATCH_DELIVERIES = 256
BATCH_BYTES = 8 << 20
WAITING_DELIVERIES = 4096
WAITING_BYTES = 64 << 20
"""What may wait: more than a second's work, and far less than the memory of a small machine."""

WRITERS = 2
WORTH_A_SECOND_BATCH = 28
"""So much must be waiting for a second batch beside the first. Without that rule large and tiny batches take turns, and
a tiny one costs its commit as a large one does: with it, 64 connections are served a seventh faster."""

TRANSACTION_SECONDS = 3.0
"""A sender waits some seconds; what takes longer than this goes to the spool."""

DRAIN_SECONDS = 2 * TRANSACTION_SECONDS
"""For what is still waiting at the end: a transaction that hangs, and then the spool."""

log = structlog.get_logger()


class Busy(Exception):
    """It cannot be kept now: too much is waiting, or neither database nor spool can take it."""


class _Waiting(NamedTuple):
    delivery: Delivery
    kept: asyncio.Future[None]


class Intake:
    """Where deliveries are handed over. `open_intake` makes one that works."""

    def __init__(self, engine: AsyncEngine, spool: Spool, bell: Bell) -> None:
        self._engine = engine
        self._one_statement = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._spool = spool
        self._bell = bell
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._something = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._writing = 0
        self._closed = False

    async def keep(self, delivery: Delivery) -> None:
        """Return when the delivery is durable, in the tables or in the spool. Raises Busy when it will not be."""
        if len(self._waiting) >= WAITING_DELIVERIES or self._waiting_bytes >= WAITING_BYTES:
            raise Busy
        kept = self._loop.create_future()
        self._waiting.append(_Waiting(delivery, kept))
        self._waiting_bytes += len(delivery.body)
        self._something.set()
        await kept

    async def write(self) -> None:
        """Write what is waiting, batch after batch, until the intake is closed and nothing waits any more."""
        while True:
            await self._something.wait()
            if self._closed and not self._waiting:
                return
            if len(self._waiting) < (WORTH_A_SECOND_BATCH if self._writing else 1):
                self._something.clear()
                continue
            self._writing += 1
            try:
                await self._write(self._next_batch())
            except Exception:  # a fault of ours; it must not be the last batch that is written
                log.exception("a batch was not kept; its senders are told to try again")
            finally:
                self._writing -= 1
                self._something.set()

    def close(self) -> None:
        """Let the writers end when they have written what is waiting."""
        self._closed = True
        self._something.set()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_DELIVERIES and size < BATCH_BYTES:
            one = self._waiting.popleft()
            batch.append(one)
            size += len(one.delivery.body)
        self._waiting_bytes -= size
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            if self._spool.needed:
                await self._write_spool(batch)
            else:
                await self._write_tables(batch)
        finally:
            # Whatever has happened, nobody is left waiting.
            for one in batch:
                if not one.kept.done():
                    one.kept.set_exception(Busy())

    async def _write_tables(self, batch: Sequence[_Waiting]) -> None:
        written = 0

        async def write(part: Sequence[Delivery], first: int) -> None:
            nonlocal written
            began = time.perf_counter()
            async with asyncio.timeout(TRANSACTION_SECONDS), self._transaction(part) as connection:
                recorded = await deliveries.store(connection, part)
            seconds = time.perf_counter() - began
            written = first + len(part)
            _tell(batch[first:written])
            self._bell.ring(recorded.due)
            _account(part, recorded, seconds)

        try:
            await deliveries.whole_or_one_by_one([one.delivery for one in batch], write)
        except Exception as error:
            # Whatever it is: PostgreSQL has not confirmed these, and their senders will not try for ever.
            self._spool.needed = True
            log.error("PostgreSQL did not take a batch; it goes to the spool", error=repr(error))
            await self._write_spool(batch[written:])

    def _transaction(self, part: Sequence[Delivery]) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction for them. Events alone are one statement, which is one by itself and saves two round trips."""
        if all(isinstance(one, events.Delivery) for one in part):
            return self._one_statement.connect()
        return self._engine.begin()

    async def _write_spool(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._spool.append([one.delivery for one in batch])
        except OSError as error:
            log.error("the spool did not take a batch; its senders are told to try again", error=repr(error))
            return
        _tell(batch)
        metrics.SPOOLED.inc(len(batch))
        log.info("spooled", workflows=_workflows([one.delivery for one in batch]), deliveries=len(batch))


@asynccontextmanager
async def open_intake(engine: AsyncEngine, spool: Spool, bell: Bell) -> AsyncIterator[Intake]:
    """An intake that writes until the block ends, and then what is still waiting."""
    intake = Intake(engine, spool, bell)
    writing = [asyncio.create_task(intake.write()) for _ in range(WRITERS)]
    try:
        yield intake
    finally:
        intake.close()
        _, hanging = await asyncio.wait(writing, timeout=DRAIN_SECONDS)
        for writer in hanging:
            log.error("a writer did not end in time; what it held is not acknowledged")
            writer.cancel()


def _tell(batch: Sequence[_Waiting]) -> None:
    for one in batch:
        if not one.kept.done():  # its sender may have gone
            one.kept.set_result(None)


def _account(part: Sequence[Delivery], recorded: events.Recorded, seconds: float) -> None:
    metrics.BATCH.observe(len(part))
    metrics.COMMIT.observe(seconds)
    metrics.count_stored(part, recorded)
    log.info(
        "stored",
        workflows=_workflows(part),
        deliveries=len(part),
        new=recorded.new,
        due=len(recorded.due),
        milliseconds=round(seconds * 1000, 1),
    )


def _workflows(part: Sequence[Delivery]) -> list[str]:
    """The ids in a batch, each once."""
    return list(dict.fromkeys(one.event.workflow_id for one in part if isinstance(one, events.Delivery)))
