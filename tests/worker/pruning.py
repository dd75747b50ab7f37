"""Rules of retention carried out, and what is left afterwards."""

import hashlib
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import removals
from archive.names.browse import Browse
from archive.retention import Rule
from archive.storage.local import LocalStorage
from tests.archive import stores
from tests.worker import rows
from worker import prune

AT_ONCE = timedelta(0)
DAY = timedelta(days=1)
ALPHA = Rule("no-alpha", "contents", tags=("alpha",))
ALL = Rule("all", "contents", tags=("alpha", "beta"))
EVENTS = Rule("old-events", "events", older_than=AT_ONCE)


async def in_a_segment(engine: AsyncEngine) -> None:
    """Say that what was told is in storage; the file itself matters in tests/worker/test_clear_segments.py."""
    for table in ("events", "quarantine"):
        await rows.execute(engine, f"UPDATE {table} SET segment = 'events/a.jsonl'")  # noqa: S608


async def pruned(
    engine: AsyncEngine,
    store: LocalStorage,
    *rules: Rule,
    grace: timedelta = AT_ONCE,
    settled: timedelta = DAY,
    tree: Browse | None = None,
) -> prune.Pruned:
    return await prune.prune(engine, store, tree, rules, grace=grace, settled=settled)


def stored(store: LocalStorage) -> set[bytes]:
    """The contents of all objects in their places."""
    return set(stores.files(store.root / "objects").values())


def aside(store: LocalStorage) -> set[bytes]:
    return set(stores.files(store.root / removals.FOLDER).values())


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


async def kept(engine: AsyncEngine) -> list[tuple[str, bool]]:
    """Each result's workflow, and whether it has an object."""
    found = await rows.select(engine, "SELECT workflow_id, object_digest FROM results ORDER BY id")
    return [(row["workflow_id"], row["object_digest"] is not None) for row in found]


async def count(engine: AsyncEngine, table: str) -> int:
    return len(await rows.select(engine, f"TABLE {table}"))


async def told_of(engine: AsyncEngine, what: str) -> list[tuple[str, str | None, bytes]]:
    query = "SELECT rule, workflow_id, digest FROM tombstones WHERE what = :what ORDER BY workflow_id, path"
    return [(row["rule"], row["workflow_id"], row["digest"]) for row in await rows.select(engine, query, what=what)]
