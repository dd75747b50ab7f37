"""Pruning: rules of retention carried out, over the stages that `archive.pruning` tells of."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import holdings, pruning, removals, tombstones
from archive.names import browse, naming
from archive.names.browse import Browse
from archive.pruning import NOTHING, Matching
from archive.retention import Rule
from archive.storage import Storage, object_name
from worker import clear_segments

SETTLED = timedelta(hours=1)
"""How long bytes lie aside before they are removed: longer than from a download's look for its object to its row."""

log = structlog.get_logger()


@dataclass
class Pruned:
    """What was done: by each rule, and to the objects that nobody needed any longer."""

    by_rule: dict[str, Matching] = field(default_factory=dict)
    deleted: Matching = NOTHING
    removed: Matching = NOTHING


async def prune(
    engine: AsyncEngine,
    store: Storage,
    tree: Browse | None,
    rules: Sequence[Rule],
    *,
    grace: timedelta,
    settled: timedelta = SETTLED,
) -> Pruned:
    """Carry out the rules, and whatever earlier ones have left to be done. Raises StorageUnavailable.

    Any number may prune at once, and be killed at any moment.
    """
    pruned = Pruned()
    for rule in rules:
        done = await _contents(engine, tree, rule) if rule.delete == "contents" else await _told(engine, rule)
        pruned.by_rule[rule.name] = pruned.by_rule.get(rule.name, NOTHING) + done
    while True:
        async with engine.begin() as connection:
            deleted = await pruning.delete_unneeded(connection, grace=grace)
        if deleted is None:
            break
        pruned.deleted += deleted
    pruned.removed = await remove(engine, store, settled=settled)
    return pruned


async def remove(engine: AsyncEngine, store: Storage, *, settled: timedelta = SETTLED) -> Matching:
    """Write the tombstones to storage; then have what was deleted leave it. The objects whose bytes were removed."""
    await _write_tombstones(engine, store)
    await clear_segments.clear(engine, store)
    removed = NOTHING
    while True:
        async with engine.connect() as connection:
            due = await removals.due(connection, settled=settled)
        if not due:
            return removed
        await browse.forget(store, [object_name(each.digest) for each in due if not each.is_needed])
        for each in due:
            async with removals.one_at_a_time(engine, each.digest):
                async with engine.connect() as connection:
                    still = await removals.due(connection, settled=settled, digest=each.digest)
                for removal in still:
                    removed += await _remove(engine, store, removal)


async def _contents(engine: AsyncEngine, tree: Browse | None, rule: Rule) -> Matching:
    rows, last = 0, ""
    while True:
        async with engine.connect() as connection:
            workflow_ids = await pruning.next_workflows(connection, rule, after=last)
        if not workflow_ids:
            return Matching(rows, 0)
        async with _names_followed(engine, tree, workflow_ids), engine.begin() as connection:
            rows += await pruning.prune_contents(connection, rule, workflow_ids)
        last = workflow_ids[-1]


async def _told(engine: AsyncEngine, rule: Rule) -> Matching:
    total = NOTHING
    while True:
        async with engine.begin() as connection:
            done = await pruning.prune_told(connection, rule)
        if not done.rows:
            return total
        total += done


@asynccontextmanager
async def _names_followed(engine: AsyncEngine, tree: Browse | None, workflow_ids: Sequence[str]) -> AsyncIterator[None]:
    """Have the names for people follow what the block changes."""
    before = await _names(engine, tree, workflow_ids)
    yield
    if tree is not None:
        after = await _names(engine, tree, workflow_ids)
        try:
            await tree.hide(before.keys() - after.keys())
            await tree.show([file for name, file in after.items() if name not in before])
        except OSError as error:
            log.warning("browse/ is not current; civitai-archive browse makes it anew", error=str(error))


async def _names(engine: AsyncEngine, tree: Browse | None, workflow_ids: Sequence[str]) -> dict[str, naming.File]:
    if tree is None:
        return {}
    async with engine.connect() as connection:
        held = await holdings.these(connection, workflow_ids)
    files = (naming.files(tree.template, each.workflow_id, each.heard_at, each.document, each.results) for each in held)
    return {file.name: file for of_workflow in files for file in of_workflow}


async def _write_tombstones(engine: AsyncEngine, store: Storage) -> None:
    while True:
        async with engine.connect() as connection:
            document = await tombstones.unwritten(connection)
        if document is None:
            return
        await store.write(document.name, document.content, media_type=tombstones.MEDIA_TYPE)
        async with engine.begin() as connection:
            await tombstones.wrote(connection, document)


async def _remove(engine: AsyncEngine, store: Storage, removal: removals.Removal) -> Matching:
    """One step on the way out, or back, of an object's bytes; what was removed."""
    digest = removal.digest
    if removal.is_aside and not removal.is_needed:
        await store.remove(removals.aside(digest))
        async with engine.begin() as connection:
            await removals.finished(connection, removal)
        return Matching(1, removal.size)
    if not removal.is_needed:
        with suppress(FileNotFoundError):
            await store.move(object_name(digest), removals.aside(digest))
        async with engine.begin() as connection:
            await removals.moved_aside(connection, removal)
    async with engine.connect() as connection:
        is_needed = await removals.needed(connection, [digest])
    if is_needed:
        with suppress(FileNotFoundError):
            if await store.size(object_name(digest)) is None:
                await store.move(removals.aside(digest), object_name(digest))
        await store.remove(removals.aside(digest))
        async with engine.begin() as connection:
            await removals.finished(connection, removal)
    return NOTHING
