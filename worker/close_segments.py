"""Closing segments: what was told is written to storage, so that it does not depend on PostgreSQL for long."""

import asyncio
from datetime import timedelta

import structlog

from archive import segment_files, segments
from worker.tools import Tools

AFTER = timedelta(minutes=5)
"""How long an event waits at most until its segment is begun; with a run each minute it is in storage within seven."""
ENOUGH = 5_000
"""So many wait for nothing."""

PATIENCE, GLANCE = 20.0, 0.05  # seconds; a receiver's transaction takes milliseconds

log = structlog.get_logger()


async def close(tools: Tools, *, after: timedelta = AFTER) -> int:
    """Write to storage what has waited for long enough, and what was begun and not written; how many segments.

    Harmless at any time and from several workers at once. Raises StorageUnavailable.
    """
    written = await _write_begun(tools)
    for told in ("events", "quarantine"):
        seen = await _settled(tools, told)
        if seen is None:
            log.warning("somebody has been writing for long; what was told is written to storage later", table=told)
            continue
        while True:
            async with tools.engine.begin() as connection:
                if await segments.choose(connection, told, seen, waited=after, enough=ENOUGH) is None:
                    break
            written += await _write_begun(tools)
    return written


async def _settled(tools: Tools, told: segments.Told) -> segments.Horizon | None:
    """A horizon below which nobody writes any more; None if they take too long."""
    async with tools.single.connect() as connection:
        seen = await segments.horizon(connection, told)
        for _ in range(round(PATIENCE / GLANCE)):
            if await segments.is_settled(connection, told, seen):
                return seen
            await asyncio.sleep(GLANCE)
    return None


async def _write_begun(tools: Tools) -> int:
    """Write what was begun, by us or by a worker that was killed: whoever writes it writes the same."""
    async with tools.single.connect() as connection:
        begun = await segments.unwritten(connection)
    for segment in begun:
        async with tools.single.connect() as connection:
            rows = await segments.rows(connection, segment)
        if await tools.storage.size(segment.name) is None:
            content = segment_files.write(rows)
            await tools.storage.write(segment.name, content, media_type=segment_files.MEDIA_TYPE)
        async with tools.single.connect() as connection:
            await segments.wrote(connection, segment)
        log.info("a segment is in storage", name=segment.name, rows=len(rows))
    return len(begun)
