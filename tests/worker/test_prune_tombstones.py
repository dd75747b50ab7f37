"""Tombstones: they are in storage before any bytes go, and hold against what comes back."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import tombstones
from archive.storage.local import LocalStorage
from tests.archive import holding, stores
from tests.worker import rows
from tests.worker.pruning import ALPHA, DAY, EVENTS, count, kept, pruned, sha256, stored


async def test_tombstones_are_in_storage_and_hold_against_what_a_rebuild_brings_back(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await rows.execute(engine, "UPDATE events SET last_received_at = now() - interval '1 min'")
    await pruned(engine, store, ALPHA, EVENTS)
    before = await rows.select(engine, "SELECT * FROM tombstones ORDER BY id")
    lines = [line for body in stores.files(store.root / "tombstones").values() for line in body.splitlines()]
    assert len(lines) == len(before) == 5

    await rows.empty(engine)
    for workflow_id in holding.WORKFLOWS:
        await holding.hold(engine, store, workflow_id)
    await rows.execute(engine, "UPDATE results SET stored_at = now() - interval '1 h'")
    await rows.execute(engine, "UPDATE events SET last_received_at = now() - interval '1 h'")
    async with engine.begin() as connection:
        for _ in range(2):
            await tombstones.restore(connection, [tombstones.read(line) for line in lines])
            await tombstones.heed(connection)
    assert await kept(engine) == [("w1", False), ("w1", False), ("w2", True), ("w2", True)]
    assert await count(engine, "events") == 0
    after = await rows.select(engine, "SELECT * FROM tombstones ORDER BY id")
    facts = (
        "id",
        "deleted_at",
        "rule",
        "what",
        "workflow_id",
        "step",
        "path",
        "digest",
        "size",
        "media_type",
        "segment",
    )
    assert [[row[name] for name in facts] for row in after] == [[row[name] for name in facts] for row in before]
    assert stored(store) == {b"cat", b"dog", b"fox"}, "it was fetched again meanwhile"
    await pruned(engine, store)
    assert stored(store) == {b"cat", b"fox"}


async def test_a_tombstone_says_nothing_of_what_was_stored_after_it(engine: AsyncEngine, store: LocalStorage) -> None:
    await pruned(engine, store, ALPHA, grace=DAY)
    again = "UPDATE results SET object_digest = :dog, pruned_at = NULL, stored_at = now() + interval '1 s'"
    await rows.execute(engine, f"{again} WHERE workflow_id = 'w1'", dog=sha256(b"dog"))
    async with engine.begin() as connection:
        await tombstones.heed(connection)
    assert await kept(engine) == [("w1", True), ("w1", True), ("w2", True), ("w2", True)]
