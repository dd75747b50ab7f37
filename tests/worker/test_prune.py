"""Retention: what a rule names goes by stages, nothing else does, and nothing that is needed is ever lost."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import (
    local_storage,
    objects,
    pruning,
    quarantine,
    removals,
    templates,
    tombstones,
)
from archive.browse import Browse
from archive.contents import Facts
from archive.local_storage import LocalStorage
from archive.pruning import NOTHING, Matching
from archive.retention import Rule
from archive.storage import object_name
from tests.archive import holding, stores
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import prune, recognise_storage
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

AT_ONCE = timedelta(0)
DAY = timedelta(days=1)
ALPHA = Rule("no-alpha", "contents", tags=("alpha",))
ALL = Rule("all", "contents", tags=("alpha", "beta"))
EVENTS = Rule("old-events", "events", older_than=AT_ONCE)


@pytest.fixture
async def store(engine: AsyncEngine, tmp_path: Path) -> LocalStorage:
    """A storage in which w1 (tag alpha: cat, dog) and w2 (tag beta: fox, and the same cat) are archived."""
    store = LocalStorage(tmp_path / "storage")
    await recognise_storage.recognise(engine, store)
    for workflow_id in holding.WORKFLOWS:
        await holding.hold(engine, store, workflow_id)
    await in_a_segment(engine)
    return store


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


async def test_what_a_rule_names_goes_and_what_another_result_needs_stays(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    done = await pruned(engine, store, ALPHA)
    assert done.by_rule == {"no-alpha": Matching(2, 0)}
    assert done.deleted == Matching(1, 3)
    assert await kept(engine) == [("w1", False), ("w1", False), ("w2", True), ("w2", True)]
    assert stored(store) == {b"cat", b"fox"}
    assert aside(store) == {b"dog"}
    assert await told_of(engine, "result") == [("no-alpha", "w1", sha256(b"cat")), ("no-alpha", "w1", sha256(b"dog"))]
    assert await told_of(engine, "object") == [("no-alpha", None, sha256(b"dog"))]
    again = await pruned(engine, store, ALPHA)
    assert (again.by_rule, again.deleted, again.removed) == ({"no-alpha": NOTHING}, NOTHING, NOTHING)


async def test_an_object_stays_for_the_time_of_grace_and_then_lies_aside_before_it_is_removed(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await pruned(engine, store, ALPHA, grace=DAY)
    assert stored(store) == {b"cat", b"dog", b"fox"}
    assert (await rows.one(engine, "SELECT digest FROM objects WHERE deleting_at IS NOT NULL"))["digest"] == sha256(
        b"dog"
    )
    await rows.execute(engine, "UPDATE objects SET deleting_at = deleting_at - interval '2 d'")
    assert (await pruned(engine, store, grace=DAY)).deleted == Matching(1, 3)
    assert (stored(store), aside(store)) == ({b"cat", b"fox"}, {b"dog"})
    assert (await pruned(engine, store)).removed == NOTHING
    await rows.execute(engine, "UPDATE tombstones SET aside_at = aside_at - interval '2 d'")
    assert (await pruned(engine, store)).removed == Matching(1, 3)
    assert (stored(store), aside(store)) == ({b"cat", b"fox"}, set())


async def test_an_object_that_is_needed_again_by_the_end_of_its_grace_stays(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await pruned(engine, store, ALL, grace=DAY)
    cat = {"cat": sha256(b"cat")}
    needs = "UPDATE results SET object_digest = :cat, pruned_at = NULL WHERE workflow_id = 'w2' AND path LIKE '%1]'"
    await rows.execute(engine, needs, **cat)
    await pruned(engine, store)
    assert stored(store) == {b"cat"}
    row = await rows.one(engine, "SELECT deleting_at FROM objects WHERE digest = :cat", **cat)
    assert row["deleting_at"] is None


async def test_a_download_that_meets_a_marked_object_keeps_it(engine: AsyncEngine, store: LocalStorage) -> None:
    await pruned(engine, store, ALPHA, grace=DAY)
    await stores.keep(store, b"dog")
    async with engine.begin() as connection:
        await objects.add(connection, {sha256(b"dog"): Facts(3)})
    assert (await pruned(engine, store)).deleted == NOTHING
    assert stored(store) == {b"cat", b"dog", b"fox"}


async def test_a_row_that_comes_when_the_bytes_have_just_gone_aside_has_them_brought_back(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await pruned(engine, store, ALPHA)
    assert aside(store) == {b"dog"}
    async with engine.begin() as connection:  # whoever writes this had found the bytes in their place
        await objects.add(connection, {sha256(b"dog"): Facts(3)})
    await prune.remove(engine, store)
    assert (stored(store), aside(store)) == ({b"cat", b"dog", b"fox"}, set())
    assert (await prune.remove(engine, store)) == NOTHING


async def test_what_a_killed_operator_has_left_is_taken_up_by_the_next(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    """Killed after each of the commits in turn."""
    async with engine.begin() as connection:
        assert await pruning.prune_contents(connection, ALPHA, ["w1"]) == 2
    async with engine.begin() as connection:
        await pruning.delete_unneeded(connection, grace=AT_ONCE)
    assert stored(store) == {b"cat", b"dog", b"fox"}, "no bytes go before their tombstones are in storage"
    await store.move(object_name(sha256(b"dog")), removals.aside(sha256(b"dog")))
    await pruned(engine, store, settled=AT_ONCE)
    assert (stored(store), aside(store)) == ({b"cat", b"fox"}, set())
    row = await rows.one(engine, "SELECT count(*) AS n FROM tombstones WHERE written_at IS NULL")
    assert row["n"] == 0


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


@pytest.mark.parametrize(
    ("rule", "gives_up"),
    [
        (Rule("r", "contents", older_than=timedelta(days=1)), {"w1", "w2"}),
        (Rule("r", "contents", older_than=timedelta(days=100_000)), set()),
        (Rule("r", "contents", tags=("beta", "never")), {"w2"}),
        (Rule("r", "contents", tags=("Beta",)), set()),
        (Rule("r", "contents", kinds=("IMAGE",)), {"w1"}),
        (Rule("r", "contents", nsfw_levels=("X", "xxx")), {"w2"}),
        (Rule("r", "contents", nsfw_levels=("pg",)), {"w1"}),
        (Rule("r", "contents", nsfw_levels=("pg",), tags=("beta",)), set()),
    ],
)
async def test_every_wish_narrows_a_rule(
    engine: AsyncEngine, store: LocalStorage, rule: Rule, gives_up: set[str]
) -> None:
    await rows.execute(engine, "UPDATE workflows SET nsfw_level = 'PG'")
    await rows.execute(engine, "UPDATE results SET kind = 'image' WHERE workflow_id = 'w1'")
    await rows.execute(engine, "UPDATE results SET nsfw_level = 'x' WHERE workflow_id = 'w2'")
    async with engine.connect() as connection:
        expected = await pruning.count(connection, rule)
    done = await pruned(engine, store, rule)
    assert {workflow_id for workflow_id, has_object in await kept(engine) if not has_object} == gives_up
    assert done.by_rule["r"].rows == expected.rows == 2 * len(gives_up)
    assert done.deleted.bytes == expected.bytes


@pytest.mark.parametrize(
    "state",
    [
        "leased_until = now() + interval '15 s'",
        "archived_at = NULL",
        "archived_at = NULL, dead_at = now()",
        "dead_at = now()",
    ],
)
async def test_what_is_held_owed_or_dead_is_exempt(engine: AsyncEngine, store: LocalStorage, state: str) -> None:
    await rows.execute(engine, f"UPDATE workflows SET {state} WHERE id = 'w1'")  # noqa: S608
    done = await pruned(engine, store, ALPHA, EVENTS)
    assert [each.rows for each in done.by_rule.values()] == [0, 1]
    assert stored(store) == {b"cat", b"dog", b"fox"}


async def test_what_civitai_has_forgotten_is_not_exempt(engine: AsyncEngine, store: LocalStorage) -> None:
    await rows.execute(engine, "UPDATE workflows SET archived_at = NULL, gone_at = now() WHERE id = 'w1'")
    assert (await pruned(engine, store, ALPHA)).by_rule["no-alpha"].rows == 2


async def test_what_is_dead_goes_where_a_rule_names_it(engine: AsyncEngine, store: LocalStorage) -> None:
    await rows.execute(engine, "UPDATE workflows SET archived_at = NULL, dead_at = now() WHERE id = 'w1'")
    rules = [Rule("a", "contents", tags=("alpha",), dead=True), Rule("b", "events", tags=("alpha",), dead=True)]
    done = await pruned(engine, store, *rules)
    assert [each.rows for each in done.by_rule.values()] == [2, 1]


async def test_events_go_by_age_tag_and_scope_and_their_workflows_stay(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await rows.tell(engine, "w1", **{"$type": "step", "name": "step"})
    await in_a_segment(engine)
    assert (await pruned(engine, store, Rule("a", "events", older_than=DAY))).by_rule["a"].rows == 0
    rule = Rule("b", "events", tags=("alpha",), kinds=("step",))
    async with engine.connect() as connection:
        counted = await pruning.count(connection, rule)
    assert (await pruned(engine, store, rule)).by_rule == {"b": counted}
    assert counted.rows == 1
    assert (await pruned(engine, store, Rule("c", "events", tags=("beta",)))).by_rule["c"].rows == 1
    assert [row["workflow_id"] for row in await rows.select(engine, "SELECT workflow_id FROM events")] == ["w1"]
    assert [(rule, workflow_id) for rule, workflow_id, _ in await told_of(engine, "event")] == [
        ("b", "w1"),
        ("c", "w2"),
    ]
    assert await count(engine, "workflows") == 2


async def test_quarantine_goes_only_by_a_rule_of_its_own(engine: AsyncEngine, store: LocalStorage) -> None:
    async with engine.begin() as connection:
        await quarantine.add(connection, [quarantine.Unread("not JSON", "first", {}, b"{")])
    await rows.execute(engine, "UPDATE quarantine SET last_received_at = now() - interval '1 min'")
    await in_a_segment(engine)
    await pruned(engine, store, EVENTS, ALL)
    assert await count(engine, "quarantine") == 1
    done = await pruned(engine, store, Rule("q", "quarantine", older_than=AT_ONCE))
    assert done.by_rule == {"q": Matching(1, 1)}
    assert await count(engine, "quarantine") == 0
    assert len(await told_of(engine, "quarantine")) == 1


async def test_names_for_people_follow(engine: AsyncEngine, store: LocalStorage) -> None:
    tree = Browse(store, templates.parse("{workflow}-{index}.{extension}"))
    await tree.show(list((await prune._names(engine, tree, ["w1", "w2"])).values()))
    await pruned(engine, store, ALPHA, grace=DAY, tree=tree)
    assert set(stores.files(store.root / "browse")) == {"w2-001.png", "w2-002.png"}


async def test_no_name_of_any_template_keeps_the_bytes_of_a_removed_object(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    for template in ("{workflow}-{index}", "old/{workflow}-{index}"):
        tree = Browse(store, templates.parse(template))
        await tree.show(list((await prune._names(engine, tree, ["w1", "w2"])).values()))
    await pruned(engine, store, ALPHA)
    assert b"dog" not in stores.files(store.root / local_storage.BROWSE).values()
    assert len(stores.files(store.root / local_storage.BROWSE)) == 6


async def test_two_operators_at_once_do_no_harm(engine: AsyncEngine, store: LocalStorage) -> None:
    await asyncio.gather(*(pruned(engine, store, ALL, EVENTS) for _ in range(4)))
    assert (stored(store), aside(store)) == (set(), {b"cat", b"dog", b"fox"})
    assert len(await told_of(engine, "result")) == 4
    assert len(await told_of(engine, "object")) == 3
    assert len(await told_of(engine, "event")) == 2
    await asyncio.gather(*(prune.remove(engine, store, settled=AT_ONCE) for _ in range(4)))
    assert aside(store) == set()


async def test_what_was_pruned_is_not_fetched_again(tools: Tools, civitai: Civitai, storage: Path) -> None:
    civitai.workflows["w"] = document("w", step("one", blob("cat", civitai.serves("cat", content(picture(b"cat"))))))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    rule = Rule("r", "contents", tags=("a",))
    assert (await prune.prune(tools.engine, tools.storage, tools.browse, [rule], grace=AT_ONCE)).deleted.rows == 1
    civitai.calls.clear()
    await rows.tell(tools.engine, "w", **{"$type": "step", "name": "one"})
    await rows.execute(tools.engine, "UPDATE workflows SET due_at = now()")
    await archive_workflow(tools, "w")
    assert civitai.calls == ["GET /v2/consumer/workflows/w"]
    assert not stores.files(storage / "objects")
    (row,) = await rows.results(tools.engine)
    assert row["pruned_at"] is not None


async def test_pruning_while_workers_run_loses_nothing_that_is_needed(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    """The same few contents are downloaded for one workflow after the other, while two operators prune all of them."""
    pictures = [picture(b"picture %d" % number) for number in range(3)]
    urls = [civitai.serves(f"picture{number}", content(body)) for number, body in enumerate(pictures)]
    rule = Rule("r", "contents", tags=("a",))
    workflows = [f"w{number}" for number in range(24)]
    for number, workflow_id in enumerate(workflows):
        # Each under ids of its own, so that nothing is pointed to and everything downloaded.
        blobs = [blob(f"{workflow_id}-{each}", url) for each, url in enumerate(urls[: 1 + number % 3])]
        civitai.workflows[workflow_id] = document(workflow_id, step("one", *blobs))
    done = asyncio.Event()

    async def operate() -> None:
        while not done.is_set():
            await prune.prune(tools.engine, tools.storage, tools.browse, [rule], grace=AT_ONCE)

    operators = [asyncio.create_task(operate()) for _ in range(2)]
    for start in range(0, len(workflows), 4):
        batch = workflows[start : start + 4]
        for workflow_id in batch:
            await rows.tell(tools.engine, workflow_id)
        await asyncio.gather(*(archive_workflow(tools, workflow_id) for workflow_id in batch))
    done.set()
    await asyncio.gather(*operators)
    await prune.remove(tools.engine, tools.storage)

    needed = await rows.select(
        tools.engine, "SELECT DISTINCT object_digest AS digest FROM results WHERE object_digest IS NOT NULL"
    )
    rowed = await rows.select(tools.engine, "SELECT digest, deleting_at FROM objects")
    assert {row["digest"] for row in needed} <= {row["digest"] for row in rowed}
    there = {sha256(body) for body in stores.files(storage / "objects").values()}
    assert {row["digest"] for row in rowed} <= there
    states = await rows.one(
        tools.engine, "SELECT count(*) AS all, count(stored_at) AS stored, count(pruned_at) AS pruned FROM results"
    )
    assert states["all"] == states["stored"] == 48
    assert states["pruned"] > 0
    await prune.prune(tools.engine, tools.storage, tools.browse, [rule], grace=AT_ONCE, settled=AT_ONCE)
    await prune.remove(tools.engine, tools.storage, settled=AT_ONCE)
    assert not stores.files(storage / "objects")
    assert not stores.files(storage / removals.FOLDER)


async def test_a_bucket_is_pruned_like_a_disk(engine: AsyncEngine, tmp_path: Path) -> None:
    with stores.s3_server(tmp_path / "s3") as server:
        store = server.storage("pruned", tmp_path / "home")
        await recognise_storage.recognise(engine, store)
        for workflow_id in holding.WORKFLOWS:
            await holding.hold(engine, store, workflow_id)
        await prune.prune(engine, store, None, [ALL], grace=AT_ONCE)
        async with engine.begin() as connection:  # whoever writes this had found the bytes in their place
            await objects.add(connection, {sha256(b"dog"): Facts(3)})
        await prune.prune(engine, store, None, [ALL], grace=AT_ONCE, settled=AT_ONCE)
        left = {name: body for name, body in server.files("pruned").items() if "tombstones" not in name}
    assert set(left.values()) - {b"dog"} == {left["civitai-archive.json"]}
    assert object_name(sha256(b"dog")) in left
