"""How the archive is doing, counted; and that counting stays cheap."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import listings, objects, pauses, results, status
from archive.media.contents import Facts
from tests.archive.factories import due_workflow, found, rows


async def look(engine: AsyncEngine) -> status.Status:
    async with engine.connect() as connection:
        return await status.look(connection)


async def workflow(engine: AsyncEngine, workflow_id: str, facts: str) -> None:
    """A workflow about which this is true."""
    await due_workflow(engine, workflow_id)
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE workflows SET {facts} WHERE id = :id"), {"id": workflow_id})  # noqa: S608


async def test_an_empty_archive_is_healthy(engine: AsyncEngine) -> None:
    seen = await look(engine)
    assert seen.faults() == []
    assert (seen.due, seen.objects, seen.bytes, seen.last_reconcile_at, seen.dead_by_reason) == (0, 0, 0, None, [])


async def test_what_is_owed_is_counted_by_its_state(engine: AsyncEngine) -> None:
    await workflow(engine, "due", "due_at = now() - interval '3 s'")
    await workflow(engine, "later", "due_at = now() + interval '1 hour'")
    await workflow(engine, "held", "due_at = now() - interval '1 hour', leased_until = now() + interval '9 s'")
    await workflow(engine, "abandoned", "leased_until = now() - interval '9 s'")
    await workflow(engine, "archived", "due_at = NULL, archived_at = now(), deadline_at = now()")
    await workflow(engine, "at risk", "due_at = now() + interval '1 s', deadline_at = now() + interval '4 days'")
    seen = await look(engine)
    assert (seen.due, seen.leased, seen.archived, seen.at_risk) == (2, 1, 1, 1)
    assert seen.oldest_due_at is not None
    assert seen.nearest_deadline_at is not None
    assert timedelta(seconds=2) < seen.looked_at - seen.oldest_due_at < timedelta(minutes=1)
    assert timedelta(days=3) < seen.nearest_deadline_at - seen.looked_at < timedelta(days=5)
    assert seen.last_callback_at is not None
    (fault,) = seen.faults()
    assert fault == "1 at risk: Civitai forgets them within 5 days"


async def test_what_is_dead_is_counted_by_the_reason_and_not_by_its_facts(engine: AsyncEngine) -> None:
    for number in range(3):
        gave_up = (
            f"dead_at = now(), due_at = NULL, last_error = 'Civitai refused it (get workflow w{number}; HTTP 400).'"
        )
        await workflow(engine, f"w{number}", gave_up)
    await workflow(engine, "unsaid", "dead_at = now(), due_at = NULL")
    await workflow(engine, "archived", "due_at = NULL, archived_at = now()")
    async with engine.begin() as connection:
        await results.add(connection, "archived", [found("a"), found("b")])
        await connection.execute(text("UPDATE results SET dead_at = now(), last_error = 'Civitai refused it (b).'"))
    seen = await look(engine)
    assert (seen.dead, seen.dead_results) == (4, 2)
    assert seen.dead_by_reason == [
        status.Reason("Civitai refused it", 3, 2),
        status.Reason("no reason was kept", 1, 0),
    ]
    assert [fault.partition(" (")[0] for fault in seen.faults()] == ["4 dead", "2 results dead"]


async def test_pauses_damage_and_a_standstill_are_faults(engine: AsyncEngine) -> None:
    await workflow(engine, "w", "due_at = now() - interval '11 minutes'")
    assert (await look(engine)).faults() == ["something has been due for long: is a worker running?"]
    async with engine.begin() as connection:
        await pauses.begin(connection, "credentials", length=timedelta(minutes=1), reason="refused")
        await pauses.begin(connection, "jobs", length=timedelta(minutes=1), reason="no fault")
        await objects.add(connection, {bytes(32): Facts(size=7)})
        await connection.execute(text("UPDATE objects SET damaged_at = now()"))
    seen = await look(engine)
    assert (seen.objects, seen.bytes, seen.damaged) == (1, 7, 1)
    assert [fault.partition(" until")[0] for fault in seen.faults()] == [
        "paused (credentials)",
        "1 objects damaged (civitai-archive verify lists them)",
    ]


async def test_a_rebuild_that_has_not_ended_is_a_fault(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO rebuilt_files (name, read_at) VALUES ('workflows/w.json', now())"))
    (fault,) = (await look(engine)).faults()
    assert fault.startswith("a rebuild has begun and not ended")


async def test_a_reconcile_that_is_long_ago_is_a_fault(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        begun = await listings.begin_reconcile(connection)
        await listings.take_in(connection, begun, [], cursor=None)
    seen = await look(engine)
    assert seen.faults() == []
    late = dataclasses.replace(seen, looked_at=seen.looked_at + timedelta(minutes=31))
    assert late.faults()[0].startswith("nothing was reconciled for long")


@pytest.mark.parametrize(
    ("condition", "table", "index"),
    [
        ("due_at IS NOT NULL", "workflows", "ix_workflows_due"),
        ("archived_at IS NOT NULL", "workflows", "ix_workflows_archived_at"),
        ("dead_at IS NOT NULL", "workflows", "ix_workflows_given_up"),
        ("dead_at IS NOT NULL", "results", "ix_results_without_bytes"),
        ("damaged_at IS NOT NULL", "objects", "ix_objects_damaged"),
    ],
)
async def test_each_figure_has_its_index(engine: AsyncEngine, condition: str, table: str, index: str) -> None:
    await due_workflow(engine)
    async with engine.connect() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await rows(connection, f"EXPLAIN SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608
    assert index in "\n".join(line for (line,) in plan)
