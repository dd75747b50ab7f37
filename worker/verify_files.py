"""Verification of what a rebuild reads: manifests and segments that are there and can be read, or are written anew."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, fixity, manifests, segment_files, segments
from archive.storage import Storage

PAGE = 200


@dataclass(frozen=True)
class Broken:
    """A file that is missing or cannot be read; where it lies now, if it was moved aside."""

    state: Literal["no manifest", "broken manifest", "no segment", "broken segment"]
    name: str
    aside: str | None = None


async def verify_manifests(engine: AsyncEngine, storage: Storage) -> AsyncIterator[Broken]:
    """Read the manifest of every archived workflow. Where there is none to be read, the workflow is due: who runs it
    writes one. Raises StorageUnavailable.
    """
    after = ""
    while True:
        async with engine.connect() as connection:
            expected = await manifests.expected(connection, after=after, limit=PAGE)
        if not expected:
            return
        after = max(expected)
        for workflow_id, name in expected.items():
            try:
                told = manifests.read(await _content(storage, name))
                if told.workflow_id == workflow_id:
                    continue
                broken = Broken("broken manifest", name)
            except manifests.Unreadable:
                broken = Broken("broken manifest", name)
            except FileNotFoundError:
                broken = Broken("no manifest", name)
            async with engine.begin() as connection:
                await claims.owe(connection, [workflow_id])
            yield broken


async def verify_segments(engine: AsyncEngine, storage: Storage) -> AsyncIterator[Broken]:
    """Read every segment. One that is missing or damaged is written again from the rows. Raises StorageUnavailable."""
    async with engine.connect() as connection:
        written = await segments.written(connection)
    for segment in written:
        try:
            for line in (await _content(storage, segment.name)).splitlines():
                segment_files.read(line)
            continue
        except segment_files.Unreadable:
            aside = f"{fixity.ASIDE}/{segment.name.rpartition('/')[2]}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
            with suppress(FileNotFoundError):
                await storage.move(segment.name, aside)
            broken = Broken("broken segment", segment.name, aside)
        except FileNotFoundError:
            async with engine.connect() as connection:
                if not await segments.rows(connection, segment):
                    continue  # all that it held has been pruned
            broken = Broken("no segment", segment.name)
        async with engine.begin() as connection:
            await segments.lost(connection, segment)
        yield broken


async def _content(storage: Storage, name: str) -> bytes:
    return b"".join([chunk async for chunk in storage.read(name)])
