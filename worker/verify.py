"""Verification: stored bytes are hashed again, longest ago first, and what is damaged is owed again."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import damage, fixity, queue, rebuilding
from archive.names import browse
from archive.storage import Entry, Storage, object_name
from worker import metrics
from worker.tools import Tools

AT_ONCE = 4
BATCH = 32
LISTED_AT_ONCE = 1_000
REST = timedelta(days=1)
"""How long what was looked at, or has just been stored, is left alone in the background."""
UNNAMED = timedelta(hours=1)
"""How long bytes may lie in storage before their row is missed: they are durable before it is written."""

_OBJECT = re.compile(r"objects/sha256/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")

log = structlog.get_logger()


@dataclass(frozen=True)
class Looked:
    """An object that was looked at; and how many results need it, if its bytes are not there."""

    object: damage.Object
    finding: fixity.Finding
    needed: int = 0


async def roll(tools: Tools) -> None:
    """Look at as much as the allowance gives now; then ring for all that is due again because of damage."""
    async with tools.engine.connect() as connection:
        if await rebuilding.is_under_way(connection):
            log.warning("nothing is verified before the rebuild has come to its end, where it learns what was pruned")
            return
    if tools.allowance.earn():
        at_most = tools.allowance.bytes
        async for looked in look_at(tools.engine, tools.storage, rested=REST, at_most=at_most):
            tools.allowance.spend(looked.object.size)
            if looked.finding.state != "whole":
                finding, name = looked.finding, object_name(looked.object.digest)
                log.error("an object is broken", object=name, state=finding.state, aside=finding.aside)
    if due := await owe(tools.engine):
        log.warning("results are due again, since their objects were broken or are back", workflows=len(due))
        await queue.ring(tools.redis, due)


async def look_at(
    engine: AsyncEngine, storage: Storage, *, rested: timedelta = timedelta(0), at_most: int | None = None
) -> AsyncIterator[Looked]:
    """Look once at the objects that were looked at longest ago, but not at those that have not `rested` so long.

    `at_most` so many bytes are hashed; the last object may go beyond. What is found is written before it is told.
    Raises StorageUnavailable: then nothing is said of what was to come.
    """
    async with engine.connect() as connection:
        before = await damage.moment(connection, ago=rested)
    seen = 0
    while at_most is None or seen < at_most:
        async with engine.connect() as connection:
            objects = await damage.longest_ago(connection, before, BATCH)
        if not objects:
            return
        chosen = []
        for one in objects:
            if at_most is not None and seen >= at_most:
                break
            chosen.append(one)
            seen += one.size
        for looked in await _look_at_each(engine, storage, chosen):
            yield looked


async def owe(engine: AsyncEngine) -> Sequence[str]:
    """Make due what damage has taken from results, and give back what has turned up; the workflows due for it."""
    due: list[str] = []
    for change in (damage.owe_again, damage.give_back):
        while True:
            async with engine.begin() as connection:
                changed = await change(connection)
            due += changed
            if not changed:
                break
    return due


async def strays(engine: AsyncEngine, storage: Storage) -> AsyncIterator[Entry]:
    """What lies among the objects, and no row names it."""
    entries: list[Entry] = []
    async for entry in storage.list("objects"):
        entries.append(entry)
        if len(entries) == LISTED_AT_ONCE:
            for stray in await _strays(engine, entries):
                yield stray
            entries = []
    for stray in await _strays(engine, entries):
        yield stray


async def _look_at_each(engine: AsyncEngine, storage: Storage, objects: Sequence[damage.Object]) -> Sequence[Looked]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(one: damage.Object) -> fixity.Finding:
        async with turns:
            return await fixity.look(storage, one.digest)

    try:
        async with asyncio.TaskGroup() as group:
            looking = [group.create_task(look(one)) for one in objects]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    found = list(zip(objects, (task.result() for task in looking), strict=True))
    async with engine.begin() as connection:
        await damage.whole(connection, [one.digest for one, finding in found if finding.state == "whole"])
    metrics.VERIFIED_BYTES.inc(sum(one.size for one in objects))
    looked = [await _write(engine, storage, one, finding) for one, finding in found]
    if any(one.finding.state != "whole" for one in looked):
        await _take_names(storage)
    return looked


async def _take_names(storage: Storage) -> None:
    """Damaged bytes have no name for people: of all that lies aside, since whoever moved it may have been killed."""
    try:
        await browse.forget(storage, [entry.name async for entry in storage.list(fixity.ASIDE)])
    except OSError as error:
        log.warning("browse/ is not current; civitai-archive browse makes it anew", error=str(error))


async def _write(engine: AsyncEngine, storage: Storage, one: damage.Object, finding: fixity.Finding) -> Looked:
    """Say what was found of one object."""
    if finding.state == "whole":
        return Looked(one, finding)
    async with engine.begin() as connection:
        if not await damage.broken(connection, one):
            return Looked(one, fixity.Finding("whole"))  # stored anew, or deleted, since we looked
        needed = await damage.needed(connection, one.digest)
    # Somebody may have put the right bytes there before the row said that they are wanted.
    if await storage.size(object_name(one.digest)) is not None:
        again = await fixity.look(storage, one.digest)
        if again.state == "whole":
            async with engine.begin() as connection:
                await damage.whole(connection, [one.digest])
            return Looked(one, again)
    metrics.BROKEN.labels(finding.state).inc()
    return Looked(one, finding, needed)


async def _strays(engine: AsyncEngine, entries: Sequence[Entry]) -> Sequence[Entry]:
    old = [entry for entry in entries if datetime.now(UTC) - entry.written_at > UNNAMED]
    digests = {entry.name: bytes.fromhex(found[1]) for entry in old if (found := _OBJECT.fullmatch(entry.name))}
    async with engine.connect() as connection:
        unknown = await damage.unknown(connection, digests.values())
    return [entry for entry in old if entry.name not in digests or digests[entry.name] in unknown]
