"""Saying that contents are stored: what comes together shares one transaction, and so one COMMIT."""

import asyncio
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, objects, settling
from archive.contents import Facts


@dataclass(frozen=True)
class Stored:
    """Bytes that are durable in storage under their SHA-256, and what they are."""

    digest: bytes
    facts: Facts


@dataclass(frozen=True)
class _Entry:
    claim: claims.Claim
    result_id: int
    stored: Stored
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ledger:
    """One for a process. While one batch of entries is written, the next comes together."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[_Entry] = []
        self._writing = asyncio.Lock()

    async def enter(self, claim: claims.Claim, result_id: int, stored: Stored) -> None:
        """Write that a result is stored; it is committed when this returns. Raises Overtaken."""
        entry = _Entry(claim, result_id, stored)
        self._waiting.append(entry)
        async with self._writing:
            if self._waiting:
                batch, self._waiting = self._waiting, []
                # Whoever writes writes for all who wait: it must not end when its own task is cancelled.
                await asyncio.shield(asyncio.create_task(self._write(batch)))
        await entry.written

    async def _write(self, batch: list[_Entry]) -> None:
        try:
            async with self._engine.begin() as connection:
                held = await claims.hold_each(connection, {entry.claim for entry in batch})
                valid = [entry for entry in batch if entry.claim in held]
                await objects.add(connection, {entry.stored.digest: entry.stored.facts for entry in valid})
                await settling.stored(connection, {entry.result_id: entry.stored.digest for entry in valid})
        except Exception as error:
            _tell(batch, error)
        else:
            _tell(valid, None)
            _tell([entry for entry in batch if entry.claim not in held], claims.Overtaken())


def _tell(entries: list[_Entry], error: Exception | None) -> None:
    for entry in entries:
        if entry.written.done():
            continue  # its task was cancelled while it waited
        if error is None:
            entry.written.set_result(None)
        else:
            entry.written.set_exception(error)
