"""Keeping a claim alive while its holder works, and stopping the holder when it is lost."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, database

T = TypeVar("T")

BEATS_PER_LEASE = 3

log = structlog.get_logger()


async def while_held(engine: AsyncEngine, claim: claims.Claim, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, renewing the lease a few times within its length until it ends.

    Raises `claims.Overtaken`, and stops the work, as soon as the lease is known to be lost.
    """
    working, beating = asyncio.create_task(work), asyncio.create_task(_beat(engine, claim))
    try:
        await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        beating.result()  # which raises why it ended
        raise AssertionError("a heartbeat only ends with an error")
    finally:
        working.cancel()
        beating.cancel()
        await asyncio.gather(working, beating, return_exceptions=True)


async def _beat(engine: AsyncEngine, claim: claims.Claim) -> None:
    """Renew until cancelled. A database that is away is asked again, for as long as the lease can last."""
    lease = claims.LEASE.total_seconds()
    renewed = time.monotonic()
    while True:
        await asyncio.sleep(lease / BEATS_PER_LEASE)
        began = time.monotonic()
        try:
            async with asyncio.timeout(lease / BEATS_PER_LEASE), engine.begin() as connection:
                await claims.renew(connection, claim)
            renewed = began
        except Exception as error:
            if not database.is_unavailable(error):
                raise
            log.warning("could not renew a lease", workflow=claim.workflow_id, error=repr(error))
            if time.monotonic() - renewed >= lease:
                raise claims.Overtaken from error
