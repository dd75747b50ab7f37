import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import timeline
from tests.archive import factories

ALL = [{"url": "https://archive.example/callbacks?token=***", "type": ["workflow:*", "step:*", "job:*"]}]


async def saved(engine: AsyncEngine, **columns: Any) -> None:
    """A workflow `wf` of one step and one job, all of them ended, as the API's document says."""
    columns = {"status": "succeeded", "document": json.dumps({"callbacks": ALL}), "document_told": False, **columns}
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO workflows (id, origin, heard_at, deadline_at, status, document, document_told, "
                "created_at, started_at, completed_at) "
                "VALUES ('wf', 'callback', '2026-01-01T00:00:01Z', '2026-02-01T00:00:00Z', "
                ":status, CAST(:document AS jsonb), :document_told, '2026-01-01T00:00:00Z', '2026-01-01T00:00:02Z', "
                "'2026-01-01T00:00:09Z') ON CONFLICT (id) DO UPDATE SET status = excluded.status, "
                "document = excluded.document, created_at = excluded.created_at, completed_at = excluded.completed_at"
            ),
            columns,
        )
        await connection.execute(
            text(
                "INSERT INTO steps (workflow_id, name, position, status, completed_at) "
                "VALUES ('wf', 'step', 0, 'succeeded', '2026-01-01T00:00:08Z')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO jobs (workflow_id, id, step_name, status, completed_at) VALUES ('wf', 'job', 'step', "
                "'succeeded', '2026-01-01T00:00:07Z') ON CONFLICT (workflow_id, id) DO UPDATE SET status = 'succeeded'"
            )
        )


async def read(engine: AsyncEngine, workflow_id: str = "wf") -> timeline.Timeline:
    async with engine.connect() as connection:
        found = await timeline.read(connection, workflow_id)
    assert found is not None
    return found


async def test_events_are_told_in_the_order_in_which_they_came(engine: AsyncEngine) -> None:
    for body in (
        factories.step_event("wf", "processing"),
        factories.job_event("wf", "failed", reason="no GPU", blockedReason="moderated"),
        factories.workflow_event("wf", "failed", "2026-01-01T00:00:00Z"),
        factories.step_event("wf", "processing"),
        factories.step_event("other", "processing"),
    ):
        await factories.told(engine, body)
    async with engine.connect() as connection:
        told = await timeline.events(connection, "wf")
    assert [(one.scope, one.status, one.deliveries) for one in told] == [
        ("step", "processing", 2),
        ("job", "failed", 1),
        ("workflow", "failed", 1),
    ]
    assert (told[1].reason, told[1].blocked_reason, told[1].job_id) == ("no GPU", "moderated", "job")
    assert told[2].occurred_at is not None
    assert told[2].occurred_at.year == 2026


async def test_what_we_never_heard_of_has_no_timeline(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await timeline.read(connection, "wf") is None
        assert await timeline.events(connection, "wf") == []


async def test_what_civitai_did_and_what_we_did_stand_in_one_order(engine: AsyncEngine) -> None:
    await saved(engine)
    async with engine.begin() as connection:
        digest = await factories.stored_object(connection)
        await connection.execute(
            text(
                "INSERT INTO results (workflow_id, step, path, role, next_attempt_at, stored_at, object_digest) "
                "SELECT 'wf', 'step', 'output.images[' || n || ']', 'result', now(), '2026-01-01T00:00:10Z', :digest "
                "FROM generate_series(1, 3) AS n"
            ),
            {"digest": digest},
        )
        await connection.execute(
            text(
                "INSERT INTO attempts (workflow_id, step, path, attempted_at, seconds, error) "
                "VALUES ('wf', 'step', 'output.images[1]', '2026-01-01T00:00:09.5Z', 1, 'reset')"
            )
        )
        await connection.execute(text("UPDATE workflows SET archived_at = '2026-01-01T00:00:11Z'"))
    found = await read(engine)
    assert [(moment.hand, moment.scope, moment.name, moment.what, moment.note) for moment in found.moments] == [
        ("civitai", "workflow", None, "created", None),
        ("archive", "workflow", None, "heard", "from callback"),
        ("civitai", "workflow", None, "started", None),
        ("civitai", "job", "job", "succeeded", None),
        ("civitai", "step", "step", "succeeded", None),
        ("civitai", "workflow", None, "succeeded", None),
        ("archive", "result", "step output.images[1]", "failed", "reset"),
        ("archive", "result", None, "stored", "3 results"),
        ("archive", "workflow", None, "archived", None),
    ]


async def test_what_ended_and_was_never_told_is_a_gap(engine: AsyncEngine) -> None:
    await factories.told(engine, factories.step_event("wf", "succeeded"))
    await saved(engine)
    gaps = (await read(engine)).gaps
    assert [(gap.scope, gap.name, gap.status) for gap in gaps] == [
        ("workflow", None, "succeeded"),
        ("job", "job", "succeeded"),
    ]


async def test_what_was_told_leaves_no_gap(engine: AsyncEngine) -> None:
    await factories.told(
        engine,
        factories.step_event("wf", "succeeded"),
        factories.job_event("wf", "succeeded"),
        factories.workflow_event("wf", "Succeeded"),
    )
    await saved(engine)
    assert (await read(engine)).gaps == []


async def test_a_step_of_another_name_does_not_fill_a_gap(engine: AsyncEngine) -> None:
    await factories.told(engine, factories.step_event("wf", "succeeded", "another"))
    await saved(engine)
    assert ("step", "step") in [(gap.scope, gap.name) for gap in (await read(engine)).gaps]


async def test_what_no_callback_was_registered_for_is_no_gap(engine: AsyncEngine) -> None:
    only = [{"url": "https://elsewhere.example", "type": ["workflow:succeeded", 7]}, "nonsense"]
    await saved(engine, document=json.dumps({"callbacks": only}))
    assert [gap.scope for gap in (await read(engine)).gaps] == ["workflow"]


async def test_a_workflow_without_callbacks_has_no_gaps(engine: AsyncEngine) -> None:
    await saved(engine, document=json.dumps({}))
    assert (await read(engine)).gaps == []


async def test_the_older_form_of_filters_counts_too(engine: AsyncEngine) -> None:
    await saved(engine, document=json.dumps({"callbackUrl": "https://a.example", "callbackEvents": ["step:*"]}))
    assert [gap.scope for gap in (await read(engine)).gaps] == ["step"]


async def test_what_callbacks_alone_have_told_has_no_gaps(engine: AsyncEngine) -> None:
    await saved(engine, document_told=True)
    assert (await read(engine)).gaps == []
