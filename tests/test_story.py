"""The whole story on real servers: a callback comes in, and its results are on disk and in SQL."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
from arq.connections import ArqRedis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, queue, settings
from orchestration import client
from sandbox.server import Sandbox
from tests.working import eventually


async def test_a_callback_becomes_a_row_a_bell_a_fetch_results_a_manifest_and_sql(
    config: settings.Settings,
    engine: AsyncEngine,
    redis: ArqRedis,
    sandbox: Sandbox,
    receiver: str,
    worker: Callable[[], AbstractAsyncContextManager[None]],
    tmp_path: Path,
) -> None:
    # An engineer submits a workflow and names us as its callback.
    url = access.callback_url(receiver, config.callback_secrets[0]) + "&run=7"
    body = {
        "steps": [{"$type": "textToImage", "name": "cats", "input": {"prompt": "two cats", "quantity": 2}}],
        "tags": ["story"],
        "callbacks": [access.callbacks_entry(url)],
    }
    async with client.Client(config.api_url, sandbox.token) as civitai:
        workflow_id = (await civitai.submit(body, wait=10))["id"]

    # Every event is a row, and the bell has rung, with no worker there yet.
    async def the_end_is_told() -> bool:
        async with engine.connect() as connection:
            query = text("SELECT told_status FROM workflows WHERE id = :id")
            return (await connection.execute(query, {"id": workflow_id})).scalar() == "succeeded"

    await eventually(the_end_is_told, what="the terminal callback")

    async def the_bell_has_rung() -> bool:
        return await queue.waiting(redis) > 0

    await eventually(the_bell_has_rung)
    async with engine.connect() as connection:
        events = (await connection.execute(text("SELECT * FROM events ORDER BY id"))).all()
    assert {event.scope for event in events} == {"workflow", "step", "job"}
    assert {event.source for event in events} == {"first"}
    assert all(event.parameters == {"run": ["7"]} for event in events)

    # The worker fetches it, downloads what it made, and seals it.
    async with worker():

        async def it_is_archived() -> bool:
            async with engine.connect() as connection:
                query = text("SELECT archived_at FROM workflows WHERE id = :id AND leased_until IS NULL")
                return (await connection.execute(query, {"id": workflow_id})).scalar() is not None

        await eventually(it_is_archived, what="archiving")

    # In SQL stands what Civitai served, under its digest.
    async with httpx.AsyncClient() as http:
        served = (await http.get(f"{sandbox.api_url}/sandbox/blobs")).json()
    async with engine.connect() as connection:
        query = text(
            "SELECT r.step, r.path, r.blob_id, r.kind, encode(o.digest, 'hex') AS sha256, o.size, o.media_type "
            "FROM results r JOIN objects o ON o.digest = r.object_digest WHERE r.workflow_id = :id ORDER BY r.id"
        )
        kept = (await connection.execute(query, {"id": workflow_id})).all()
        workflow = (await connection.execute(text("SELECT * FROM workflows"))).one()
        step = (await connection.execute(text("SELECT * FROM steps"))).one()
    expected = {blob["id"]: blob["sha256"] for blob in served if blob["path"].endswith("]")}
    assert {row.blob_id: row.sha256 for row in kept} == expected
    assert [row.path for row in kept] == ["output.images[0]", "output.images[1]"]
    assert (workflow.status, workflow.told_status, workflow.tags) == ("succeeded", "succeeded", ["story"])
    assert (workflow.due_at, workflow.leased_until, workflow.last_error) == (None, None, None)
    assert (step.name, step.type, step.input["prompt"], step.output) == (
        "cats",
        "textToImage",
        "two cats",
        {"images": []},
    )

    # On disk lie the bytes, a manifest that finds them, and nothing else.
    storage = tmp_path / "storage"
    objects = {path.name: path.read_bytes() for path in storage.glob("objects/sha256/*/*/*")}
    assert set(objects) == set(expected.values())
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in objects.items())
    (manifest_path,) = storage.glob("workflows/*/*/*/*.json")
    manifest = json.loads(manifest_path.read_bytes())
    assert manifest["document"]["id"] == workflow_id
    assert [result["digest"] for result in manifest["results"]] == [row.sha256 for row in kept]
    assert list((storage / "incoming").iterdir()) == []

    # And the secret is nowhere.
    secret = config.callback_secrets[0].secret.reveal()
    assert secret not in manifest_path.read_text()
    assert secret not in repr([tuple(row) for row in (*events, workflow, step)])
