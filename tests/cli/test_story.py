import json

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.cli import asking
from tests.worker import rows


async def test_what_was_told_and_what_happened_is_printed_in_order(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    workflow_id = (await asking.ran(sandbox))["id"]
    await rows.tell(engine, workflow_id, "processing")
    job = {"$type": "job", "workflowId": workflow_id, "stepName": "step", "jobId": "j\x1b[2J", "status": "failed"}
    await rows.record(engine, job | {"reason": "no \u202eGPU"})
    await asking.archived(engine, config, workflow_id)
    events, lines, timeline, unknown = await asking.all_of(
        ("events", workflow_id),
        ("events", workflow_id, "--json"),
        ("timeline", workflow_id),
        ("timeline", "unknown"),
        environment=alone | environment,
    )
    assert [told["status"] for told in asking.documents(lines)] == ["processing", "failed", "succeeded"]
    assert "no �GPU" in events.out
    assert "\x1b" not in events.out
    moments = [line.split() for line in timeline.out.splitlines()]
    assert [words for words in moments if words[-1:] == ["archived"]]
    assert any("heard" in words and "callback" in words for words in moments)
    unknown.assert_failed(4, "was told nothing of workflow unknown")


async def test_what_was_never_told_is_named(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    workflow_id = (await asking.ran(sandbox))["id"]
    await asking.archived(engine, config, workflow_id)
    callbacks = json.dumps([{"url": "https://archive.example", "type": ["step:*"]}])
    await rows.execute(
        engine,
        "UPDATE workflows SET document = jsonb_set(document, '{callbacks}', cast(:callbacks AS jsonb))",
        callbacks=callbacks,
    )
    table, line = await asking.all_of(
        ("timeline", workflow_id), ("timeline", workflow_id, "--json"), environment=alone | environment
    )
    assert table.out.splitlines()[-1].startswith("Never told: step step succeeded at ")
    assert [gap["scope"] for gap in asking.documents(line)[0]["gaps"]] == ["step"]
