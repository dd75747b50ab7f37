"""Shared transactions: what comes together is committed together, and each is told what came of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims
from archive.media.contents import Facts
from tests.archive.factories import claimed_workflow, due_workflow, overtaken_workflow, rows
from worker import shared
from worker.ledger import Entry, Stored
from worker.save_document import Fetched, Order
from worker.shared_writes import JobDocuments
from worker.tools import Tools

BEGIN_A_PAUSE = "INSERT INTO pauses (cause, since, until, reason) VALUES (:cause, now(), now(), pg_current_xact_id())"


async def pause(connection: AsyncConnection, causes: Sequence[str]) -> Sequence[str]:
    for cause in causes:
        await connection.execute(text(BEGIN_A_PAUSE), {"cause": cause})
    return causes


async def test_what_comes_together_shares_one_transaction_that_is_committed_when_it_is_told(
    engine: AsyncEngine,
) -> None:
    writes = shared.transactions(engine, pause, gathering=lambda: 0.001)
    assert await asyncio.gather(*map(writes, "abc")) == ["a", "b", "c"]
    assert await rows(engine, "SELECT count(*), count(DISTINCT reason) FROM pauses") == [(3, 1)]
    await writes("d")
    assert await rows(engine, "SELECT count(*), count(DISTINCT reason) FROM pauses") == [(4, 2)]


async def test_what_postgresql_refuses_fails_alone(engine: AsyncEngine) -> None:
    writes = shared.transactions(engine, pause, gathering=lambda: 0.001)
    told = await asyncio.gather(*map(writes, ["a", "not\x00storable", "b"]), return_exceptions=True)
    assert [isinstance(outcome, DBAPIError) for outcome in told] == [False, True, False]
    assert await rows(engine, "SELECT cause FROM pauses ORDER BY cause") == [("a",), ("b",)]


async def test_what_a_cancelled_task_handed_in_is_left_out_and_the_others_are_written(engine: AsyncEngine) -> None:
    writes = shared.transactions(engine, pause, gathering=lambda: 0.001)
    first, second = (asyncio.create_task(writes(cause)) for cause in "ab")
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "b"
    assert await rows(engine, "SELECT cause FROM pauses") == [("b",)]


async def test_closing_waits_for_what_is_being_written(engine: AsyncEngine) -> None:
    writes = shared.transactions(engine, pause, gathering=lambda: 0.001)
    task = asyncio.create_task(writes("a"))
    await asyncio.sleep(0)
    await writes.aclose()
    assert await rows(engine, "SELECT cause FROM pauses") == [("a",)]
    await task


async def test_of_two_tasks_that_ask_for_a_workflow_at_once_one_gets_it(tools: Tools) -> None:
    await due_workflow(tools.engine)
    got = await asyncio.gather(tools.shared.take("wf"), tools.shared.take("wf"))
    assert sum(claim is not None for claim in got) == 1


async def test_among_those_who_hold_theirs_the_overtaken_writes_nothing(tools: Tools) -> None:
    overtaken, _ = await overtaken_workflow(tools.engine, "overtaken")
    holder = await claimed_workflow(tools.engine, "held")
    before = await rows(tools.engine, "SELECT * FROM workflows WHERE id = 'overtaken'")
    document = {"status": "succeeded", "steps": [{"name": "step", "status": "succeeded", "jobs": [{"id": "job"}]}]}
    content = Stored(b"0" * 32, Facts(size=7))
    ours = tools.shared
    writes: list[Callable[[claims.Claim], Awaitable[object]]] = [
        lambda claim: ours.save(Order(claim, Fetched(document))),
        lambda claim: ours.enter(Entry(claim, 1, content)),
        lambda claim: ours.mark_archived((claim, claim.claimed_at)),
        lambda claim: ours.look(JobDocuments(claim, {"job": {}})),
        lambda claim: ours.end(claims.Return(claim, None, claim.claimed_at)),
    ]
    for write in writes:
        told = await asyncio.gather(write(overtaken), write(holder), return_exceptions=True)
        assert [isinstance(outcome, claims.Overtaken) for outcome in told] == [True, False]
    assert await rows(tools.engine, "SELECT * FROM workflows WHERE id = 'overtaken'") == before
    assert await rows(tools.engine, "SELECT workflow_id FROM steps") == [("held",)]
    assert await rows(tools.engine, "SELECT workflow_id, document FROM jobs") == [("held", {})]


async def test_of_workflows_that_come_together_with_the_same_blob_one_downloads_it(tools: Tools) -> None:
    """And does not wait for the other, as the other does for it."""
    blob = {"type": "image", "id": "blob", "available": True, "url": "https://blobs.example/blob"}
    document = {"status": "succeeded", "steps": [{"name": "s", "status": "succeeded", "output": {"image": blob}}]}
    orders = [Order(await claimed_workflow(tools.engine, name), Fetched(document)) for name in ("first", "second")]
    saved = await asyncio.gather(*map(tools.shared.save, orders))
    assert sorted(one.pending[0].is_due for one in saved) == [False, True]
