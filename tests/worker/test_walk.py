"""Walks through Civitai's listing: every page, in whatever order, from wherever one stopped."""

import asyncio

import pytest

from archive import listings, settings
from archive.ranges import Listing as Walked
from archive.ranges import Range
from orchestration import errors, retry, wire
from tests.worker import rows
from tests.worker.civitai import Civitai, document
from tests.worker.listing import Listing, ago, workflows
from worker import backfill, walk
from worker import civitai as calls
from worker.tools import Tools

EVERYTHING = Range()


async def heard(tools: Tools) -> set[str]:
    return {row["id"] for row in await rows.select(tools.engine, "SELECT id FROM workflows WHERE due_at <= now()")}


async def fill(tools: Tools, wanted: Range = EVERYTHING) -> Walked:
    return await backfill.backfill(tools, wanted, anew=False)


@pytest.mark.parametrize("spelling", ["next", "nextCursor"])
async def test_every_page_is_taken_in_whatever_its_cursor_is_called(
    tools: Tools, civitai: Civitai, spelling: str
) -> None:
    civitai.listing = listing = Listing(workflows(250), spelling=spelling)
    done = await fill(tools)
    assert (done.listed, done.unheard, done.unfinished, done.pages) == (250, 250, 0, 3)
    assert done.finished_at is not None
    assert len(await heard(tools)) == 250
    assert {query["hideMatureContent"] for query in listing.asked} == {"false"}
    assert {query["ascending"] for query in listing.asked} == {"true"}


async def test_what_is_archived_dead_or_gone_is_left_alone_and_what_has_ended_unannounced_is_due(
    tools: Tools, civitai: Civitai
) -> None:
    known = {
        "archived": "archived_at = now(), due_at = NULL",
        "dead": "dead_at = now(), due_at = NULL",
        "gone": "gone_at = now(), due_at = NULL",
        "its results are tried by a schedule": "status = 'succeeded', due_at = now() + interval '1 hour'",
        "has ended unannounced": "status = 'processing', due_at = now() + interval '1 hour'",
        "owed nothing by mistake": "due_at = NULL",
        "still runs": "status = 'processing', due_at = now() + interval '1 hour'",
    }
    for workflow_id, facts in known.items():
        await rows.tell(tools.engine, workflow_id)
        await rows.execute(tools.engine, f"UPDATE workflows SET {facts} WHERE id = :id", id=workflow_id)  # noqa: S608
    civitai.listing = Listing(
        [document(each, status="processing" if each == "still runs" else "failed") for each in known]
    )
    done = await fill(tools)
    assert await heard(tools) == {"has ended unannounced", "owed nothing by mistake"}
    assert (done.listed, done.unheard, done.unfinished) == (7, 0, 2)


async def test_a_range_is_kept_to_though_civitai_ignores_its_dates(tools: Tools, civitai: Civitai) -> None:
    wanted = Range(from_date=ago(days=30), to_date=ago(days=10))
    everything = workflows(500, days=50)
    inside = {one["id"] for one in everything if wanted.holds(wire.timestamp(one["createdAt"]))}
    assert len(inside) == 200
    for honours_order in (True, False):
        civitai.listing = listing = Listing(everything, honours_dates=False, honours_order=honours_order)
        done = await backfill.backfill(tools, wanted, anew=True)
        assert done.newest_first
        assert done.listed == 200
        assert await heard(tools) == inside
        assert "fromDate" not in listing.asked[-1]
        assert listing.asked[-1]["cursor"] in ("300", "400"), "it ends with the first page that is all too old"


async def test_a_walk_that_was_broken_off_goes_on_at_the_page_where_it_stopped(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = listing = Listing(workflows(450))
    told: list[Walked] = []

    def stop_after_two(moved: Walked) -> None:
        told.append(moved)
        if moved.pages == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await backfill.backfill(tools, EVERYTHING, anew=False, tell=stop_after_two)
    done = await fill(tools)
    assert (done.id, done.listed, done.unheard) == (told[0].id, 450, 450)
    assert [query.get("cursor") for query in listing.asked][-3:] == ["200", "300", "400"]

    again = await fill(tools)
    assert (again.id == done.id, again.listed, again.unheard) == (False, 450, 0), "what was finished begins anew"


async def test_a_walk_can_be_begun_anew(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = listing = Listing(workflows(150))

    def stop(_: Walked) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await backfill.backfill(tools, EVERYTHING, anew=False, tell=stop)
    await backfill.backfill(tools, EVERYTHING, anew=True)
    assert [query.get("cursor") for query in listing.asked][-2:] == [None, "100"]


async def test_two_who_walk_at_once_count_nothing_twice(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = Listing(workflows(650))
    done = await asyncio.gather(*(fill(tools) for _ in range(3)))
    assert {(one.id, one.listed, one.unheard, one.pages) for one in done} == {(done[0].id, 650, 650, 7)}
    assert len(await heard(tools)) == 650


async def test_different_ranges_are_different_walks(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = 503
    ranges = [
        Range(),
        Range(tags=("a", "b")),
        Range(tags=("b", "a", "a")),
        Range(query="cat"),
        Range(from_date=ago(days=1)),
    ]
    async with tools.engine.begin() as connection:
        begun = [await listings.begin_backfill(connection, one, anew=False) for one in ranges]
        again = [await listings.begin_backfill(connection, one, anew=False) for one in ranges]
    assert begun == again
    assert len({one.id for one in begun}) == 4, "the order of tags makes no difference"


async def test_a_dry_walk_counts_and_writes_nothing(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = Listing(workflows(250))
    await rows.tell(tools.engine, "w007")
    done = await backfill.count(tools, EVERYTHING)
    assert (done.listed, done.unheard) == (250, 249)
    assert await heard(tools) == {"w007"}
    assert await rows.select(tools.engine, "SELECT id FROM listings") == []


async def test_hostile_pages_are_read_as_far_as_they_make_sense(tools: Tools, civitai: Civitai) -> None:
    strange = [
        {"id": None},
        {"id": "x" * 600},
        {"id": "nul\0"},
        {},
        document("fine") | {"createdAt": "0001-01-01T00:00:00Z"},
    ]
    civitai.listing = {"items": [*strange, {"id": "fine"}, {"id": "late", "completedAt": "9999-12-31T00:00:00Z"}]}
    done = await fill(tools)
    assert done.listed == 2
    assert await heard(tools) == {"fine", "late"}
    left = "SELECT id, deadline_at > now() AND deadline_at <= now() + interval '30 days' AS ok FROM workflows"
    assert all(row["ok"] for row in await rows.select(tools.engine, left))


async def test_a_listing_that_goes_in_circles_ends_with_a_reason(tools: Tools, civitai: Civitai) -> None:
    civitai.listing = {"items": [document("w")], "next": "again"}
    with pytest.raises(errors.Unreachable, match="the same page was announced twice"):
        await fill(tools)


async def test_a_walk_waits_while_calls_pause_and_tells_everybody_to(tools: Tools, civitai: Civitai) -> None:
    civitai.listing, civitai.retry_after = 429, "60"
    with pytest.raises(calls.Paused):
        await fill(tools)
    assert len(civitai.calls) == 1
    with pytest.raises(calls.Paused):
        await fill(tools)
    assert len(civitai.calls) == 1, "nobody asks before the pause is over"


async def test_a_server_error_is_tried_again(tools: Tools, civitai: Civitai, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([503, 500])
    pages = Listing(workflows(3))
    civitai.listing = lambda query: next(answers, None) or pages(query)
    monkeypatch.setattr(walk, "TRIES", retry.Schedule(delays=(0.01, 0.01)))
    assert (await fill(tools)).listed == 3


async def test_a_command_s_share_of_the_calls_leaves_most_to_the_workers(config_there: settings.Settings) -> None:
    async with walk.open_lister(config_there, application_name="tests") as lister:
        assert lister.calls.max_rate * 4 == config_there.api_calls_per_second
