"""Reconcile: what was never announced is found, and counted once as lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import announcements, listings, settings
from orchestration import client
from orchestration.wire import JsonObject
from sandbox.server import Sandbox
from tests import working
from tests.worker import rows
from tests.worker.civitai import Civitai, document
from tests.worker.listing import Listing, ago, workflows
from worker import rebuild, reconcile, walk
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

RECEIVER = "https://archive.example"
OURS: JsonObject = {"callbacks": [{"url": f"{RECEIVER}/callbacks?token=x", "type": ["workflow:*"]}]}


async def run(tools: Tools) -> Any:
    return await reconcile.reconcile(tools, public_url=RECEIVER)


async def test_the_first_looks_back_a_day_and_the_next_to_before_the_last(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = listing = Listing(workflows(40, days=4))
    first = await run(tools)
    assert first.listed in (9, 10), "of forty in four days, those of one day"
    assert first.begun_at - first.from_date == listings.FIRST_LOOK
    second = await run(tools)
    assert first.begun_at - second.from_date == listings.OVERLAP
    assert listing.asked[-1]["fromDate"] == second.from_date.isoformat().replace("+00:00", "Z")


async def test_one_that_was_broken_off_is_gone_on_with(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = listing = Listing(workflows(250))

    def stop(_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await reconcile.reconcile(tools, public_url=RECEIVER, tell=stop)
    done = await run(tools)
    assert (done.listed, done.unheard) == (250, 250)
    assert [query.get("cursor") for query in listing.asked][-2:] == ["100", "200"]


@pytest.mark.parametrize(("first", "expected"), [(10, 10), (90, 30)])
async def test_after_a_rebuild_it_begins_with_the_first_workflow_or_as_far_back_as_civitai_keeps_them(
    tools: Tools, civitai: Civitai, first: int, expected: int
) -> None:
    civitai.workflows["first"] = document("first", days_ago=first)
    await rows.tell(tools.engine, "first")
    await archive_workflow(tools, "first")
    await rows.empty(tools.engine)
    civitai.listing = Listing(workflows(20, days=20))
    await run(tools)  # a worker may have been up before somebody rebuilds
    async with tools.engine.begin() as connection:
        under_way = await listings.begin_reconcile(connection)
    await rebuild.rebuild(tools.engine, tools.storage, into_filled=True, advance=lambda _: None)
    done = await run(tools)
    assert done.id != under_way.id
    assert done.begun_at - done.from_date == pytest.approx(timedelta(days=expected), abs=timedelta(minutes=5))
    assert done.listed in ((9, 10) if first == 10 else (20,))
    assert done.begun_at - (await run(tools)).from_date == listings.OVERLAP, "and then as ever"


async def test_what_was_never_announced_is_archived(tools: Tools, civitai: Civitai) -> None:
    lost = civitai.workflows["lost"] = document("lost")
    civitai.listing = Listing([lost])
    assert (await run(tools)).unheard == 1
    await archive_workflow(tools, "lost")
    row = await rows.one(tools.engine, "SELECT origin, archived_at FROM workflows")
    assert (row["origin"], row["archived_at"] is None) == ("reconcile", False)


async def test_workflows_of_one_moment_are_not_lost_between_two_reconciles(tools: Tools, civitai: Civitai) -> None:
    """What becomes visible late, behind what was listed already, is found in the overlap."""
    early = workflows(5)
    civitai.listing = Listing(early)
    await run(tools)
    late = document("late", days_ago=0.5 / 24)
    civitai.listing = Listing([late, *early])
    assert (await run(tools)).unheard == 1


async def ended(
    tools: Tools, civitai: Civitai, workflow_id: str, told_after: timedelta | None, **facts: object
) -> None:
    """A workflow that ended two hours ago, archived; its callback came so long after its end, or never."""
    end = datetime.now(UTC) - timedelta(hours=2)
    civitai.workflows[workflow_id] = document(workflow_id) | {"completedAt": end.isoformat()} | OURS | facts
    await rows.record(tools.engine, {"workflowId": workflow_id, "name": "s", "status": "processing"})
    if told_after is not None:
        await rows.tell(tools.engine, workflow_id)
        arrived = "UPDATE events SET first_received_at = :at WHERE workflow_id = :id AND scope = 'workflow'"
        await rows.execute(tools.engine, arrived, at=end + told_after, id=workflow_id)
    await archive_workflow(tools, workflow_id)


async def counted(tools: Tools) -> tuple[int, int, int]:
    days = await rows.select(tools.engine, "SELECT in_time, late, lost FROM announcements")
    return sum(day["in_time"] for day in days), sum(day["late"] for day in days), sum(day["lost"] for day in days)


async def test_callbacks_are_counted_in_time_late_or_lost_and_each_once(tools: Tools, civitai: Civitai) -> None:
    await ended(tools, civitai, "quick", timedelta(seconds=2))
    await ended(tools, civitai, "before its end", timedelta(seconds=-1))
    await ended(tools, civitai, "slow", timedelta(minutes=30))
    await ended(tools, civitai, "never", None)
    for _ in range(2):
        await run(tools)
        assert await counted(tools) == (2, 1, 1)
    await ended(tools, civitai, "another", None)
    await run(tools)
    assert await counted(tools) == (2, 1, 2)
    assert len(await rows.select(tools.engine, "SELECT day FROM announcements")) == 1


OTHERS = "https://elsewhere.example/hook"


@pytest.mark.parametrize(
    ("registered", "lost"),
    [
        ({"callbacks": []}, 0),
        ({"callbacks": None}, 0),
        ({"callbacks": "none"}, 0),
        ({"callbacks": [None, 7, {}, {"url": RECEIVER}]}, 0),
        ({"callbacks": [{"url": OTHERS, "type": ["workflow:*"]}]}, 0),
        ({"callbacks": [{"url": f"{RECEIVER}/callbacks", "type": ["step:*", "workflow:failed"]}]}, 0),
        ({"callbacks": [{"url": f"{RECEIVER}/callbacks", "type": ["step:*", "workflow:succeeded"]}]}, 1),
        ({"callbacks": [{"url": OTHERS, "type": ["workflow:*"]}, *OURS["callbacks"]]}, 1),
        ({"callbacks": [], "callbackUrl": f"{RECEIVER}/callbacks", "callbackEvents": ["workflow:*"]}, 1),
    ],
)
async def test_only_a_callback_that_was_registered_with_us_can_be_lost(
    tools: Tools, civitai: Civitai, registered: JsonObject, lost: int
) -> None:
    await ended(tools, civitai, "w", None, **registered)
    await run(tools)
    assert await counted(tools) == (0, 0, lost)
    (row,) = await rows.select(tools.engine, "SELECT counted_at FROM workflows")
    assert row["counted_at"]


async def test_they_are_counted_by_the_source_that_told_the_end_else_the_first_that_came(
    tools: Tools, civitai: Civitai
) -> None:
    await ended(tools, civitai, "told by one", timedelta(seconds=2))
    await ended(tools, civitai, "told by another", timedelta(minutes=2))
    await ended(tools, civitai, "begun by another", None)
    await ended(tools, civitai, "unheard of", None)
    other = "UPDATE events SET source = 'other' WHERE workflow_id = :id AND scope = :scope"
    await rows.execute(tools.engine, other, id="told by another", scope="workflow")
    await rows.execute(tools.engine, other, id="begun by another", scope="step")
    await rows.execute(tools.engine, "DELETE FROM events WHERE workflow_id = 'unheard of'")
    await run(tools)
    days = await rows.select(tools.engine, "SELECT source, in_time, late, lost FROM ops.announcements ORDER BY source")
    assert [(day["source"], day["in_time"], day["late"], day["lost"]) for day in days] == [
        ("first", 1, 0, 0),
        ("other", 0, 1, 1),
        (None, 0, 0, 1),
    ]


async def test_what_has_just_ended_is_judged_later(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w") | OURS
    await rows.record(tools.engine, {"workflowId": "w", "name": "s", "status": "succeeded"})
    await archive_workflow(tools, "w")
    await run(tools)
    assert await counted(tools) == (0, 0, 0)
    then = datetime.now(UTC) - announcements.JUDGED_AFTER
    await rows.execute(tools.engine, "UPDATE workflows SET completed_at = :then", then=then)
    await run(tools)
    assert await counted(tools) == (0, 0, 1)


async def test_many_are_judged_batch_by_batch(tools: Tools, civitai: Civitai, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "BATCH", 2)
    for number in range(5):
        await ended(tools, civitai, f"w{number}", timedelta(seconds=1))
    await run(tools)
    assert await counted(tools) == (5, 0, 0)


async def test_old_reconciles_are_forgotten_and_the_last_one_is_known(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = Listing([])
    async with tools.engine.connect() as connection:
        assert await listings.last_reconcile(connection) is None
    await run(tools)
    await run(tools)
    old = "UPDATE listings SET begun_at = :then, finished_at = :then WHERE id = (SELECT min(id) FROM listings)"
    await rows.execute(tools.engine, old, then=ago(days=31))
    done = await run(tools)
    assert len(await rows.select(tools.engine, "SELECT id FROM listings")) == 2
    async with tools.engine.connect() as connection:
        assert (await listings.last_reconcile(connection) or done.begun_at) >= done.begun_at


async def test_workflows_whose_callbacks_were_all_lost_are_archived_and_counted(
    config: settings.Settings, sandbox: Sandbox, engine: AsyncEngine
) -> None:
    receiver = "http://127.0.0.1:9"  # nobody listens there
    play = {"sandbox": {"seconds": 0, "faults": {"callback_lost": {"times": None}}}}
    callback = {"url": f"{receiver}/callbacks?token=lost", "type": ["workflow:*"]}
    steps = [{"$type": "textToImage", "input": {"prompt": "a cat", "quantity": 2}}]
    async with client.Client(sandbox.api_url, sandbox.token) as civitai:
        for _ in range(3):
            await civitai.submit({"steps": steps, "callbacks": [callback], "metadata": play}, wait=10)
    async with walk.open_lister(config, application_name="tests") as lister:
        assert (await reconcile.reconcile(lister, public_url=receiver)).unheard == 3
        async with working.worker(config):
            await working.eventually(lambda: rows.archived(engine, 3))
        assert len(await rows.select(engine, "SELECT id FROM results WHERE stored_at IS NOT NULL")) == 6
        long_ago = "UPDATE workflows SET completed_at = completed_at - interval '1 hour'"
        await rows.execute(engine, long_ago)
        await reconcile.reconcile(lister, public_url=receiver)
    days = await rows.select(engine, "SELECT in_time, late, lost FROM announcements")
    assert sum(day["lost"] for day in days) == 3
