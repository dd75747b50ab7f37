import json

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.cli import asking
from tests.sandbox import consumers


async def test_a_document_is_printed_as_it_is(alone: dict[str, str], account: dict[str, str], sandbox: Sandbox) -> None:
    async with consumers.of(sandbox) as consumer:
        body = consumers.body() | {"tags": ["\u202edetrevni\x9b", "日本語\u3000"]}
        workflow = consumers.document(await consumer.submit(body, wait=20))
    pretty, line, step = await asking.all_of(
        ("workflow", workflow["id"]),
        ("workflow", workflow["id"], "--json"),
        ("step", workflow["id"], "step"),
        environment=alone | account,
    )
    for done in (pretty, line):
        assert json.loads(done.out)["tags"] == body["tags"]
        assert "\u202e" not in done.out
        assert "\x9b" not in done.out
        assert "日本語" in done.out
        assert done.err == f"Source: live, {sandbox.api_url}\n"
    assert len(line.out.splitlines()) == 1
    assert json.loads(step.out)["name"] == "step"


async def test_what_civitai_has_forgotten_comes_from_the_archive(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    workflow = await asking.ran(sandbox)
    job_id = workflow["steps"][0]["jobs"][0]["id"]
    await asking.archived(engine, config, workflow["id"])
    sandbox.state.forget()
    document, step, job, live = await asking.all_of(
        ("workflow", workflow["id"]),
        ("step", workflow["id"], "step"),
        ("job", job_id),
        ("workflow", workflow["id"], "--source=live"),
        environment=alone | environment,
    )
    for done in (document, step, job):
        assert done.code == 0, done.err
        assert done.err == "Source: archive (Civitai does not know it, or no more: HTTP 404)\n"
    kept = json.loads(document.out)
    assert kept["id"] == workflow["id"]
    assert kept["steps"][0]["output"]["images"][0]["url"].startswith(environment["STORAGE_URL"])
    assert json.loads(step.out)["name"] == "step"
    assert f"ID: {job_id}" in job.out
    live.assert_failed(4, "Civitai does not know it")


async def test_waiting_ends_when_the_workflow_does(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox
) -> None:
    async with consumers.of(sandbox) as consumer:
        quick = consumers.document(await consumer.submit(consumers.body(seconds=1)))
        slow = consumers.document(await consumer.submit(consumers.body(seconds=300)))
    assert quick["status"] != "succeeded"
    waited, gave_up = await asking.all_of(
        ("workflow", quick["id"], "--json", "--wait"),
        ("workflow", slow["id"], "--wait", "0.2", "--json"),
        environment=alone | account,
    )
    assert asking.documents(waited)[0]["status"] == "succeeded"
    assert json.loads(gave_up.out)["id"] == slow["id"]
    assert gave_up.code == 1
    assert "has not ended within 0.2 seconds" in gave_up.err


async def test_an_unknown_workflow_is_not_found_on_either_side(
    alone: dict[str, str], environment: dict[str, str], engine: AsyncEngine
) -> None:
    del engine
    both, kept, no_id = await asking.all_of(
        ("workflow", "../nowhere"),
        ("workflow", "nowhere", "--source=archive"),
        ("workflow", "x" * 600),
        environment=alone | environment,
    )
    assert both.code == 4
    assert both.err.splitlines()[0] == "The archive has no workflow ../nowhere."
    kept.assert_failed(4, "the archive has no workflow nowhere")
    no_id.assert_failed(2, "cannot be an id")
