"""Whatever the order in which a workflow's events come, twice or not at all, the same is archived."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.wire import JsonObject
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

Event = dict[str, Any]

WORKFLOW, STEP, JOB = ({"$type": scope, "workflowId": "w"} for scope in ("workflow", "step", "job"))
EVENTS: list[Event] = [
    {**WORKFLOW, "status": "processing", "timestamp": "2026-11-22T12:00:00Z"},
    {**STEP, "name": "one", "status": "processing"},
    {**JOB, "stepName": "one", "jobId": "j1", "status": "processing", "progress": 0.5},
    {**JOB, "stepName": "one", "jobId": "j1", "status": "succeeded"},
    {**STEP, "name": "one", "status": "succeeded"},
    {**JOB, "stepName": "two", "jobId": "j2", "status": "failed", "reason": "out of memory", "blockedReason": "x"},
    {**STEP, "name": "two", "status": "failed"},
    {**WORKFLOW, "status": "failed", "timestamp": "2026-11-22T12:00:09Z"},
]
ENDED_JOBS = [event for event in EVENTS if "jobId" in event and event["status"] != "processing"]
"""These no document repeats: what is lost of them is lost."""

FROM_THE_API = {
    "results": """
        SELECT step, path, role, blob_id, kind, url, blocked_reason, object_digest, attempts, last_error,
               stored_at IS NOT NULL AS kept, withheld_at IS NOT NULL AS withheld, gone_at, dead_at
        FROM results ORDER BY step, path""",
    "objects": "SELECT digest, size, media_type FROM objects ORDER BY digest",
    "steps": "SELECT * FROM steps ORDER BY name",
    "jobs": "SELECT id, step_name, status, document, reason, blocked_reason, told_status FROM jobs ORDER BY id",
    "workflows": """
        SELECT id, status, tags, metadata, document, completed_at, deadline_at, due_at, leased_until, failures,
               last_error, archived_at IS NOT NULL AS whole, dead_at, gone_at
        FROM workflows""",
}
TOLD = {
    "told": "SELECT told_status, told_at FROM workflows",
    "events": "SELECT body, deliveries, status FROM events ORDER BY body",
}


@st.composite
def orders(draw: st.DrawFn) -> list[Event]:
    """Every event at least once, some twice, in any order."""
    twice = draw(st.lists(st.sampled_from(EVENTS), max_size=4))
    return draw(st.permutations([*EVENTS, *twice]))


@st.composite
def losses(draw: st.DrawFn) -> list[Event]:
    """Some of the events, in any order; all that the API cannot tell."""
    kept = draw(st.lists(st.sampled_from(EVENTS), unique_by=EVENTS.index, max_size=4))
    return draw(st.permutations([*kept, *(event for event in ENDED_JOBS if event not in kept)]))


TRIES = st.sets(st.integers(0, len(EVENTS) + 4))
ENDS = st.integers(0, len(EVENTS) + 4)
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few
@given(order=orders(), tries=TRIES, ends=ENDS)
async def test_every_order_of_the_events_with_duplicates_leaves_the_same(
    tools: Tools, civitai: Civitai, storage: Path, order: list[Event], tries: set[int], ends: int
) -> None:
    once_more = [event for event in EVENTS for _ in range(order.count(event))]
    stages = documents(civitai)
    expected = await play(tools, civitai, storage, stages, once_more, tries=set(), ends=0)
    assert await play(tools, civitai, storage, stages, order, tries, ends) == expected


@few
@given(order=losses(), tries=TRIES, ends=ENDS)
async def test_events_that_were_lost_are_not_missed(
    tools: Tools, civitai: Civitai, storage: Path, order: list[Event], tries: set[int], ends: int
) -> None:
    stages = documents(civitai)
    expected = await play(tools, civitai, storage, stages, EVENTS, tries=set(), ends=0)
    archived = await play(tools, civitai, storage, stages, order, tries, ends)
    assert {name: archived[name] for name in (*FROM_THE_API, "files")} == {
        name: expected[name] for name in (*FROM_THE_API, "files")
    }


def documents(civitai: Civitai) -> tuple[JsonObject, JsonObject]:
    """What the API says while the workflow runs, and once it has ended."""
    civitai.forget()
    cat, dog = (blob(name, civitai.serves(name, content(picture(name.encode())))) for name in ("cat", "dog"))
    withheld = {"id": "no", "type": "image", "available": False, "blockedReason": "moderated"}
    one = {**step("one", cat), "jobs": [{"id": "j1", "status": "succeeded"}]}
    two = {**step("two", status="processing"), "jobs": [{"id": "j2", "status": "processing"}]}
    two_ended = {**step("two", dog, withheld, status="failed"), "jobs": [{"id": "j2", "status": "failed"}]}
    ended = document("w", one, two_ended, status="failed")
    return {**document("w", one, two, status="processing"), "createdAt": ended["createdAt"]}, ended


async def play(
    tools: Tools,
    civitai: Civitai,
    storage: Path,
    stages: tuple[JsonObject, JsonObject],
    order: Sequence[Event],
    tries: set[int],
    ends: int,
) -> dict[str, object]:
    """Tell the events in this order, on an empty archive, which tries before these positions; what is left at last.

    The workflow ends, as the API sees it, before the event at position `ends`.
    """
    await rows.empty(tools.engine)
    for directory in ("objects", "workflows"):
        shutil.rmtree(storage / directory, ignore_errors=True)
    for position, event in enumerate(order):
        civitai.workflows["w"] = stages[position >= ends]
        if position in tries:
            await archive_workflow(tools, "w")
        await rows.record(tools.engine, event)
    civitai.workflows["w"] = stages[True]
    for _ in range(2):
        await archive_workflow(tools, "w")
        await rows.let_time_pass(tools.engine)
    left: dict[str, object] = {
        name: [dict(row) for row in await rows.select(tools.engine, query)]
        for name, query in (FROM_THE_API | TOLD).items()
    }
    return left | {"files": files.names(storage)}
