"""Verification of what a rebuild reads: manifests and segments that are there and right, or are written anew."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import due, fixity, manifests, segment_files, segments
from archive.storage import Storage

PAGE = 200

State = Literal["no manifest", "broken manifest", "stale manifest", "no segment", "broken segment"]


@dataclass(frozen=True)
class Broken:
    """A file that is missing, cannot be read or does not say what the rows do.

    aside: where it lies now, if it was moved. workflow_id: of a manifest; it is due, so that one is written.
    """

    state: State
    name: str
    aside: str | None = None
    workflow_id: str | None = None


async def verify_manifests(engine: AsyncEngine, storage: Storage) -> AsyncIterator[Broken]:
    """Read the manifest of every archived workflow. Where none says what the rows do, the workflow is due: who runs it
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
            state = await _state(engine, storage, workflow_id, name)
            if state == "stale manifest":  # or it was written anew, and the rows with it, after we had read it
                state = await _state(engine, storage, workflow_id, name)
            if state is not None:
                async with engine.begin() as connection:
                    await due.owe(connection, [workflow_id])
                yield Broken(state, name, workflow_id=workflow_id)


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


async def _state(engine: AsyncEngine, storage: Storage, workflow_id: str, name: str) -> State | None:
    """What is wrong with a manifest; None if nothing is."""
    try:
        manifest = manifests.read(await _content(storage, name))
    except manifests.Unreadable:
        return "broken manifest"
    except FileNotFoundError:
        return "no manifest"
    if manifest.workflow_id != workflow_id:
        return "broken manifest"
    async with engine.connect() as connection:
        return "stale manifest" if await manifests.is_stale(connection, manifest) else None


async def _content(storage: Storage, name: str) -> bytes:
    return b"".join([chunk async for chunk in storage.read(name)])
