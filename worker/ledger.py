"""Saying that contents are stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from archive import claims, objects, settling
from archive.media.contents import Facts


@dataclass(frozen=True)
class Stored:
    """Bytes that are durable in storage under their SHA-256, and what they are."""

    digest: bytes
    facts: Facts


@dataclass(frozen=True)
class Entry:
    """That a result is stored, by whoever holds its workflow."""

    claim: claims.Claim
    result_id: int
    stored: Stored


async def write(connection: AsyncConnection, entries: Sequence[Entry]) -> Sequence[claims.Overtaken | None]:
    """Write what is stored, of those whose claims hold."""
    held = await claims.hold_each(connection, {entry.claim for entry in entries})
    valid = [entry for entry in entries if entry.claim in held]
    await objects.add(connection, {entry.stored.digest: entry.stored.facts for entry in valid})
    await settling.stored(connection, {entry.result_id: entry.stored.digest for entry in valid})
    return [None if entry.claim in held else claims.Overtaken() for entry in entries]
