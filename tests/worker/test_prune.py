"""Retention: what a rule names goes by stages, nothing else does, and nothing that is needed is ever lost."""

import asyncio
import contextlib
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import objects, pruning, removals
from archive.media.contents import Facts
from archive.names import templates
from archive.names.browse import Browse
from archive.pruning import NOTHING, Matching
from archive.retention import Rule
from archive.storage import local, object_name
from archive.storage.local import LocalStorage
from tests.archive import holding, stores
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from tests.worker.pruning import ALL, ALPHA, AT_ONCE, DAY, EVENTS, aside, kept, pruned, sha256, stored, told_of
from worker import prune, recognise_storage
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


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
    assert b"dog" not in stores.files(store.root / local.BROWSE).values()
    assert len(stores.files(store.root / local.BROWSE)) == 6


async def test_two_operators_at_once_do_no_harm(engine: AsyncEngine, store: LocalStorage) -> None:
    await asyncio.gather(*(pruned(engine, store, ALL, EVENTS) for _ in range(4)))
    assert (stored(store), aside(store)) == (set(), {b"cat", b"dog", b"fox"})
    assert len(await told_of(engine, "result")) == 4
    assert len(await told_of(engine, "object")) == 3
    assert len(await told_of(engine, "event")) == 2
    await asyncio.gather(*(prune.remove(engine, store, settled=AT_ONCE) for _ in range(4)))
    assert aside(store) == set()


class Slow(LocalStorage):
    """A directory that takes a step only when it is time for it, or nobody is to be waited for any more."""

    def __init__(self, store: LocalStorage) -> None:
        super().__init__(store.root)
        self.id = store.id
        self.is_to_move, self.has_looked, self.has_moved = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def move(self, name: str, to: str) -> None:
        """Not before somebody has seen the bytes in their place."""
        self.is_to_move.set()
        await self._until(self.has_looked)
        await super().move(name, to)
        self.has_moved.set()

    async def size(self, name: str) -> int | None:
        """As it was before somebody moved them."""
        size = await super().size(name)
        self.has_looked.set()
        await self._until(self.has_moved)
        return size

    async def _until(self, event: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), 1)


async def test_who_brings_bytes_back_takes_them_from_nobody_who_moves_them_aside(
    engine: AsyncEngine, store: LocalStorage
) -> None:
    await pruned(engine, store, ALPHA, grace=DAY)
    async with engine.begin() as connection:
        await pruning.delete_unneeded(connection, grace=AT_ONCE)
    slow = Slow(store)
    mover = asyncio.create_task(prune.remove(engine, slow))
    await slow.is_to_move.wait()
    async with engine.begin() as connection:  # whoever writes this had found the bytes in their place
        await objects.add(connection, {sha256(b"dog"): Facts(3)})
    await asyncio.gather(mover, prune.remove(engine, slow))
    assert (stored(store), aside(store)) == ({b"cat", b"dog", b"fox"}, set())


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
