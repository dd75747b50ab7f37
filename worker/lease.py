"""Keeping claims alive while their holders work, and stopping a holder whose claim is lost."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims

T = TypeVar("T")

BEATS_PER_LEASE = 3

log = structlog.get_logger()


@dataclass(eq=False)
class _Held:
    claim: claims.Claim
    work: asyncio.Task[Any]
    renewed: float = field(default_factory=time.monotonic)
    is_lost: bool = False


class Leases:
    """The claims that a process holds, whose leases one heartbeat renews together, a few times within their length."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: set[_Held] = set()
        self._beating: asyncio.Task[None] | None = None

    async def while_held(self, claim: claims.Claim, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, its claim kept alive until it ends.

        Raises `claims.Overtaken`, and stops the work, as soon as the lease is known to be lost.
        """
        working = asyncio.create_task(work)
        held = _Held(claim, working)
        self._held.add(held)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        try:
            return await working
        except asyncio.CancelledError:
            if held.is_lost:
                raise claims.Overtaken from None
            raise
        finally:
            self._held.remove(held)
            if not self._held and self._beating is not None:
                self._beating.cancel()
                self._beating = None

    async def _beat(self) -> None:
        """Renew until cancelled. A database that is away is asked again, for as long as a lease can last."""
        while True:
            lease = claims.LEASE.total_seconds()
            await asyncio.sleep(lease / BEATS_PER_LEASE)
            began, asked = time.monotonic(), list(self._held)
            ours: Mapping[claims.Claim, bool]
            try:
                async with asyncio.timeout(lease / BEATS_PER_LEASE), self._engine.begin() as connection:
                    ours = await claims.renew_each(connection, [held.claim for held in asked])
            except Exception as error:
                log.warning("could not renew leases", workflows=len(asked), error=repr(error))
                ours = {held.claim: False for held in asked}  # as far as we know
            for held in asked:
                if ours.get(held.claim):
                    held.renewed = began
                elif held.claim not in ours or time.monotonic() - held.renewed >= lease:
                    held.is_lost = True
                    held.work.cancel()
