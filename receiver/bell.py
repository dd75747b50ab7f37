"""Ringing for the worker, beside the answer and never in its way: what is not heard is swept up within seconds."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from archive import queue
from receiver import metrics

RING_SECONDS = 2.0
PAUSE_SECONDS = 0.05
UNRUNG_AT_MOST = 100
"""Rung for at once: with the pause, far more a second than workers can fetch. The sweep rings for the rest."""

log = structlog.get_logger()


class Bell:
    """Collects the ids of due workflows and rings for all that came together."""

    def __init__(self) -> None:
        self.failures = 0
        self._unrung: set[str] = set()
        self._something = asyncio.Event()

    def ring(self, workflow_ids: Iterable[str]) -> None:
        """Ring soon. Forgets what is too much: the sweep finds it in the table."""
        for workflow_id in workflow_ids:
            if len(self._unrung) < UNRUNG_AT_MOST:
                self._unrung.add(workflow_id)
        if self._unrung:
            self._something.set()

    async def keep_ringing(self, redis: ArqRedis) -> None:
        """Ring whenever there is something to ring for, until cancelled."""
        while True:
            await self._something.wait()
            await self.ring_once(redis)
            await asyncio.sleep(PAUSE_SECONDS)

    async def ring_once(self, redis: ArqRedis) -> None:
        """Ring for what has come together so far."""
        workflow_ids, self._unrung = self._unrung, set()
        self._something.clear()
        try:
            async with asyncio.timeout(RING_SECONDS):
                await queue.ring(redis, workflow_ids)
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            metrics.BELL_FAILURES.inc()
            log.warning("the bell could not ring; the sweep will", workflows=len(workflow_ids), error=repr(error))


@asynccontextmanager
async def hung(redis_url: str) -> AsyncIterator[Bell]:
    """A bell that rings until the block ends, and then once more for what is left."""
    bell = Bell()
    async with queue.client(redis_url) as redis:
        ringing = asyncio.create_task(bell.keep_ringing(redis))
        try:
            yield bell
        finally:
            ringing.cancel()
            await asyncio.wait([ringing], timeout=RING_SECONDS)
            await bell.ring_once(redis)
