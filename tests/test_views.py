"""Views that decide something: what counts as owed, at risk, lost, or paid for and not delivered."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive.factories import rows

ARCHIVED = "archived_at = now()"
DUE = "due_at = now() - interval '1 minute'"


async def workflow(engine: AsyncEngine, workflow_id: str, *facts: str, results: Sequence[str] = ()) -> None:
    """A workflow that cost 5 with these facts, and a result for each of the other ones."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO workflows (id, origin, heard_at, status, cost, deadline_at) "
                "VALUES (:id, 'callback', now(), 'succeeded', 5, now() + interval '30 days')"
            ),
            {"id": workflow_id},
        )
        if facts:
            await connection.execute(text(f"UPDATE workflows SET {', '.join(facts)} WHERE id = '{workflow_id}'"))  # noqa: S608
        await connection.execute(
            text("INSERT INTO objects (digest, size, stored_at) VALUES (sha256('x'), 1, now()) ON CONFLICT DO NOTHING")
        )
        for number, fact in enumerate(results):
            await connection.execute(
                text(
                    "INSERT INTO results (workflow_id, step, path, role, next_attempt_at) "
                    "VALUES (:id, 'step', :path, 'result', now())"
                ),
                {"id": workflow_id, "path": str(number)},
            )
            if fact:
                where = f"path = '{number}' AND workflow_id = '{workflow_id}'"
                await connection.execute(text(f"UPDATE results SET {fact} WHERE {where}"))  # noqa: S608


STORED = "stored_at = now(), object_digest = sha256('x')"
WITHHELD = "withheld_at = now(), blocked_reason = 'minor'"


@pytest.mark.parametrize(
    ("facts", "results", "why"),
    [
        (["status = 'failed'"], [], "failed"),
        (["status = 'Expired'", ARCHIVED], [STORED], "Expired"),
        ([ARCHIVED], [STORED, WITHHELD], "results withheld"),
        ([ARCHIVED], ["gone_at = now()"], "results gone"),
        ([ARCHIVED], ["dead_at = now()"], "results given up"),
        (["gone_at = now()", "status = NULL"], [], "workflow gone"),
        (["dead_at = now()"], [""], "workflow given up"),
        (["dead_at = now()"], ["dead_at = now()"], "results given up"),
        ([ARCHIVED], [STORED], None),
        ([], [""], None),
        ([ARCHIVED, "gone_at = now()"], [STORED], None),
        (["status = 'failed'", "cost = 0"], [], None),
        (["status = 'failed'", "cost = NULL"], [], None),
        ([ARCHIVED], [f"{WITHHELD}, role = 'preview'"], None),
    ],
)
async def test_what_was_paid_for_and_not_delivered_is_named_once_with_the_first_reason(
    engine: AsyncEngine, facts: list[str], results: list[str], why: str | None
) -> None:
    await workflow(engine, "wf", *facts, results=results)
    told = await rows(engine, "SELECT why, results, stored_results FROM ops.paid_not_delivered")
    named = [result for result in results if "preview" not in result]
    assert told == ([(why, len(named), named.count(STORED))] if why else [])


async def test_what_civitai_forgets_soon_and_is_not_safe_is_at_risk(engine: AsyncEngine) -> None:
    soon = "deadline_at = now() + interval '3 days'"
    await workflow(engine, "unsafe", soon, DUE, results=["last_error = 'disk full'"])
    await workflow(engine, "whole but due", soon, DUE, ARCHIVED, results=[STORED])
    await workflow(engine, "whole and found more", soon, DUE, ARCHIVED, results=[""])
    await workflow(engine, "has time", DUE, results=[""])
    await workflow(engine, "given up", soon, "dead_at = now()", results=[""])
    at_risk = await rows(engine, "SELECT workflow_id, pending_results, last_error FROM ops.at_risk ORDER BY 1")
    assert at_risk == [("unsafe", 1, "disk full"), ("whole and found more", 1, None)]


async def test_the_queue_tells_due_leased_and_waiting_apart(engine: AsyncEngine) -> None:
    await workflow(engine, "due", DUE, results=["", STORED])
    await workflow(engine, "leased", DUE, "leased_until = now() + interval '10 seconds'")
    await workflow(engine, "lease has ended", DUE, "leased_until = now() - interval '10 seconds'")
    await workflow(engine, "waiting", "due_at = now() + interval '1 hour'")
    await workflow(engine, "done", ARCHIVED, results=[STORED])
    queue = await rows(engine, "SELECT task, due, leased, waiting FROM ops.queue ORDER BY task")
    assert queue == [("archive_workflow", 2, 1, 1), ("keep_result", 1, 0, 0)]
    states = dict(await rows(engine, "SELECT workflow_id, state FROM ops.workflows"))
    assert states == {
        "due": "due", "leased": "leased", "lease has ended": "due", "waiting": "waiting", "done": "archived",
    }  # fmt: skip


async def test_what_is_not_kept_comes_with_what_civitai_said(engine: AsyncEngine) -> None:
    lost = ["gone_at = now(), last_error = '404 for an hour'", "dead_at = now(), last_error = 'past its deadline'"]
    await workflow(engine, "wf", results=[STORED, WITHHELD, *lost])
    not_kept = await rows(engine, "SELECT state, evidence FROM ops.not_kept ORDER BY state")
    assert not_kept == [("dead", "past its deadline"), ("gone", "404 for an hour"), ("withheld", "minor")]


async def test_unknown_words_of_civitais_are_drift_and_known_ones_in_any_case_are_not(engine: AsyncEngine) -> None:
    await workflow(engine, "older", "heard_at = '2025-01-01Z'")
    then = "heard_at = '2026-01-01T00:59:59Z'"
    await workflow(engine, "wf", then, DUE, "status = 'meditating'", "told_status = 'Processing'")
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO hours (hour) VALUES ('2026-01-01Z')"))
        await connection.execute(
            text(
                "INSERT INTO steps (workflow_id, name, position, type) "
                "VALUES ('older', 'a', 0, 'dreaming'), ('wf', 'a', 0, 'dreaming')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO spent_hours (hour, step_type, steps) "
                "VALUES ('2026-01-01Z', 'dreaming', 2), ('2026-01-01Z', 'TextToImage', 9)"
            )
        )
    drift = await rows(engine, "SELECT kind, what, seen, example_workflow_id FROM ops.drift ORDER BY kind")
    assert drift == [("status", "meditating", 1, "wf"), ("step type", "dreaming", 2, "wf")]


async def test_a_failed_job_counts_once_on_the_day_of_its_end_else_of_its_workflows(engine: AsyncEngine) -> None:
    await workflow(engine, "a", "completed_at = '2026-03-03 12:00Z'")
    await workflow(engine, "b", "heard_at = '2026-03-04 23:59Z'")
    insert = text(
        "INSERT INTO jobs"
        " (workflow_id, id, step_name, provider, told_status, status, reason, blocked_reason, completed_at)"
        " VALUES ('a', '1', 's', 'one', 'Failed', 'processing', 'out of memory', NULL, '2026-03-02 00:00Z'),"
        " ('a', '2', 's', 'one', NULL, 'failed', 'out of memory', NULL, '2026-03-02 23:59Z'),"
        " ('a', '3', 's', 'one', 'failed', NULL, 'out of memory', NULL, NULL),"
        " ('b', '4', NULL, NULL, 'canceled', NULL, 'unsafe', 'minor', NULL),"
        " ('b', '5', NULL, NULL, 'succeeded', 'failed', NULL, NULL, NULL)"
    )
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO steps (workflow_id, name, position, type) VALUES ('a', 's', 0, 'imageGen')")
        )
        await connection.execute(insert)
    failures = await rows(
        engine,
        "SELECT to_char(day, 'MM-DD'), step_type, provider, lower(status), reason, is_blocked,"
        " sum(jobs), max(workflows) FROM ops.civitai_failures GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1",
    )
    assert failures == [
        ("03-02", "imageGen", "one", "failed", "out of memory", False, 2, 1),
        ("03-03", "imageGen", "one", "failed", "out of memory", False, 1, 1),
        ("03-04", None, None, "canceled", "minor", True, 1, 1),
    ]


async def test_a_cost_that_was_shared_by_steps_adds_up_and_reads_as_a_price(engine: AsyncEngine) -> None:
    await workflow(engine, "wf")
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO steps (workflow_id, name, position) VALUES ('wf', 'a', 0), ('wf', 'b', 1), ('wf', 'c', 2)"
            )
        )
        await connection.execute(text("INSERT INTO hours (hour) VALUES ('2026-01-01 00:00Z'), ('2026-01-01 01:00Z')"))
        await connection.execute(
            text(
                "INSERT INTO spent_hours (hour, step_type, steps, cost) VALUES ('2026-01-01 00:00Z', 'a', 2, 20.0 / 3),"
                " ('2026-01-01 01:00Z', 'a', 1, 10.0 / 3), ('2026-01-01 01:00Z', 'b', 1, NULL)"
            )
        )
    shares = await rows(engine, "SELECT cost::text FROM ops.steps")
    assert shares == [("1.666667",)] * 3
    spent = await rows(engine, "SELECT step_type, steps, cost::text FROM ops.buzz ORDER BY step_type")
    assert spent == [("a", 3, "10"), ("b", 1, None)]
