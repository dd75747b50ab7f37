"""Redrive: what was given up is due again, and what was known is still known."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, redrive, results
from archive.redrive import Choice, Redriven
from tests.archive.factories import claimed_workflow, due_workflow, found, rows, seal, stored_object, take

LONG_AGO = datetime.now(UTC) - timedelta(days=9)
SETTLED = {
    "dead": "dead_at = now(), last_error = 'Civitai had an error of its own (HTTP 503).', attempts = 12",
    "withheld": "withheld_at = now(), blocked_reason = 'csam'",
    "gone": "gone_at = now(), missing_at = now(), last_error = 'Civitai does not know it (HTTP 404).', attempts = 3",
}


async def settled_workflow(engine: AsyncEngine, workflow_id: str = "wf") -> None:
    """A workflow that is archived, with a result that settled in each way; the stored one is named so too."""
    await due_workflow(engine, workflow_id)
    async with engine.begin() as connection:
        await results.add(connection, workflow_id, [found(name, blob_id=f"blob-{name}") for name in SETTLED])
        await results.add(connection, workflow_id, [found("stored", blob_id="blob-stored")])
        for name, how in SETTLED.items():
            await connection.execute(text(f"UPDATE results SET {how} WHERE path = '{name}'"))  # noqa: S608
        digest = await stored_object(connection)
        stored = "UPDATE results SET stored_at = now(), object_digest = :digest WHERE path = 'stored'"
        await connection.execute(text(stored), {"digest": digest})
        await connection.execute(text("UPDATE workflows SET archived_at = now(), due_at = NULL"))


async def redriven(engine: AsyncEngine, choice: Choice) -> Redriven:
    """Redrive, having counted the same before."""
    async with engine.begin() as connection:
        counted = await redrive.count(connection, choice)
        done = await redrive.make_due(connection, choice, await redrive.chosen(connection, choice))
    assert counted == done
    return done


async def unsettled(engine: AsyncEngine) -> set[str]:
    query = "SELECT path FROM results WHERE num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0"
    return {path for (path,) in await rows(engine, query)}


@pytest.mark.parametrize(
    ("choice", "paths"),
    [
        (Choice(workflow_id="wf"), {"dead", "withheld", "gone"}),
        (Choice(blob_id="blob-withheld"), {"withheld"}),
        (Choice(dead=True), {"dead"}),
        (Choice(since=LONG_AGO), {"dead", "withheld", "gone"}),
        (Choice(reason="CSAM"), {"withheld"}),
        (Choice(reason="http 404"), {"gone"}),
        (Choice(workflow_id="wf", dead=True), {"dead"}),
        (Choice(dead=True, reason="503", since=LONG_AGO), {"dead"}),
        (Choice(reason="_or it is%"), set()),
        (Choice(dead=True, reason="csam"), set()),
        (Choice(since=datetime.now(UTC) + timedelta(days=1)), set()),
        (Choice(blob_id="blob-stored"), set()),
        (Choice(workflow_id="another"), set()),
    ],
)
async def test_what_is_chosen_is_due_again_and_nothing_else(
    engine: AsyncEngine, choice: Choice, paths: set[str]
) -> None:
    await settled_workflow(engine)
    assert await redriven(engine, choice) == Redriven(bool(paths), len(paths))
    assert await unsettled(engine) == paths
    assert await rows(engine, "SELECT count(*) FROM workflows WHERE due_at <= now()") == [(int(bool(paths)),)]
    assert await rows(engine, "SELECT object_digest IS NULL FROM results WHERE path = 'stored'") == [(False,)]


@pytest.mark.parametrize("how", ["dead_at", "gone_at"])
async def test_a_workflow_given_up_begins_anew_whatever_its_deadline(engine: AsyncEngine, how: str) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        given_up = f"{how} = now(), due_at = NULL, failures = 7, missing_at = now(), last_error = 'no'"
        await connection.execute(text(f"UPDATE workflows SET {given_up}, deadline_at = now() - interval '9 days'"))  # noqa: S608
    assert await redriven(engine, Choice(since=LONG_AGO)) == Redriven(1, 0)
    async with engine.begin() as connection:
        claim = await take(connection, "wf")
    assert claim is not None
    assert (claim.failures, claim.missing_at) == (0, None)
    assert claim.deadline_at - claim.claimed_at > timedelta(hours=23)
    assert await rows(engine, "SELECT dead_at, gone_at, last_error FROM workflows") == [(None, None, "no")]


async def test_a_workflow_that_is_named_is_due_again_though_nothing_is_wrong_with_it(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET archived_at = now(), due_at = NULL"))
    assert await redriven(engine, Choice(workflow_id="wf", reason="anything")) == Redriven(0, 0)
    assert await redriven(engine, Choice(workflow_id="wf")) == Redriven(1, 0)


async def test_failed_tries_stay_as_history_and_are_counted_anew(engine: AsyncEngine) -> None:
    await settled_workflow(engine)
    tried = "INSERT INTO attempts (workflow_id, attempted_at, seconds, error) VALUES ('wf', now(), 1, 'no')"
    async with engine.begin() as connection:
        await connection.execute(text(tried))
    await redriven(engine, Choice(workflow_id="wf"))
    assert await rows(engine, "SELECT count(*) FROM attempts") == [(1,)]
    assert await rows(engine, "SELECT DISTINCT attempts FROM results WHERE path <> 'stored'") == [(0,)]
    assert await rows(engine, "SELECT blocked_reason FROM results WHERE path = 'withheld'") == [("csam",)]


async def test_whoever_holds_it_is_overtaken_so_that_no_release_undoes_the_wish(engine: AsyncEngine) -> None:
    held = await claimed_workflow(engine)
    await redriven(engine, Choice(workflow_id="wf"))
    with pytest.raises(claims.Overtaken):
        async with engine.begin() as connection:
            await seal(connection, held)
    async with engine.begin() as connection:
        assert await take(connection, "wf") is not None


async def test_two_who_redrive_the_same_at_once_do_no_harm(engine: AsyncEngine) -> None:
    for number in range(20):
        await settled_workflow(engine, f"wf-{number}")
    done = await asyncio.gather(*(redriven_uncounted(engine, Choice(since=LONG_AGO)) for _ in range(4)))
    assert sum(each.results for each in done) == 60
    assert await unsettled(engine) == set(SETTLED)


async def redriven_uncounted(engine: AsyncEngine, choice: Choice) -> Redriven:
    async with engine.begin() as connection:
        return await redrive.make_due(connection, choice, await redrive.chosen(connection, choice))


async def test_many_are_taken_batch_by_batch(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive, "BATCH", 2)
    for number in range(5):
        await settled_workflow(engine, f"wf-{number}")
    async with engine.begin() as connection:
        first = await redrive.chosen(connection, Choice(dead=True))
        second = await redrive.chosen(connection, Choice(dead=True), after=first[-1])
    assert (first, second) == (["wf-0", "wf-1"], ["wf-2", "wf-3"])
