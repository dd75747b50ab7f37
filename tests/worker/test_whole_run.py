"""Real workers, many workflows, all that the sandbox can play."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, queue, settings
from orchestration import client
from sandbox.server import Sandbox
from tests import working
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from tests.working import eventually

OUTPUT_PATHS = Path(__file__).parents[1] / "contract" / "output-paths.json"
Working = Callable[[], AbstractAsyncContextManager[None]]


async def test_whatever_the_sandbox_serves_is_stored_and_no_storage_host_sees_a_token(
    config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox, receiver: str, worker: Working, storage: Path
) -> None:
    types = [*json.loads(OUTPUT_PATHS.read_text()), "aTypeOfNextMonth"]
    callbacks = [access.callbacks_entry(access.callback_url(receiver, config.callback_secrets[0]))]
    quick = {"sandbox": {"seconds": 0}}
    asked = {"width": 64, "height": 64, "duration": 0.5, "template": {"$type": "textToImage"}}
    async with worker(), client.Client(config.api_url, sandbox.token) as civitai:
        for step_type in types:
            steps = [{"$type": step_type, "name": "step", "input": asked}]
            await civitai.submit({"steps": steps, "metadata": quick, "callbacks": callbacks})
        await eventually(lambda: rows.archived(engine, len(types)), what="archiving every type")

    blobs = await asyncio.to_thread(lambda: {blob.id: blob.file.sha256 for blob in sandbox.state.blobs.values()})
    previews = {blob.preview.id for blob in sandbox.state.blobs.values() if blob.preview}
    # A bundle holds blobs that are results of their own.
    bundles = {blob.id for blob in sandbox.state.blobs.values() if blob.file.media_type == "application/zip"}
    expected = Counter(sha256 for blob_id, sha256 in blobs.items() if blob_id not in previews | bundles)
    kept = await rows.select(engine, "SELECT encode(object_digest, 'hex') AS sha256 FROM results")
    assert Counter(row["sha256"] for row in kept) == expected
    assert set(files.objects(storage)) == set(expected)
    assert len(files.manifests(storage)) == len(types)

    seen = [request for request in sandbox.state.requests if request.origin == "blob"]
    assert len(seen) == len(kept)
    assert not [request for request in seen if "authorization" in request.headers]
    assert sandbox.token not in repr([(request.query, request.headers) for request in seen])


async def test_a_url_that_lives_for_a_second_is_refreshed(
    config: settings.Settings, engine: AsyncEngine, receiver: str, worker: Working, environment: dict[str, str]
) -> None:
    del config, receiver, worker
    async with Sandbox(url_lifetime=1) as hasty, client.Client(hasty.api_url, hasty.token) as civitai:
        there = settings.read({**environment, "CIVITAI_API_URL": hasty.api_url})
        body = {"steps": [{"$type": "imageGen", "name": "s", "metadata": {"sandbox": {"seconds": 0}}}]}
        workflow_id = (await civitai.submit(body, wait=10))["id"]
        await rows.tell(engine, workflow_id)
        async with working.worker(there):
            await eventually(lambda: rows.archived(engine))
        calls = [request.path for request in hasty.state.requests if request.method == "POST"]
        assert [path for path in calls if path.endswith("/refresh")]


async def test_two_workers_neither_seal_twice_nor_not_at_all(
    config_there: settings.Settings, engine: AsyncEngine, redis: ArqRedis, civitai: Civitai
) -> None:
    names = [f"w{number}" for number in range(40)]
    await told(engine, civitai, names)
    async with working.worker(config_there), working.worker(config_there):
        for _ in range(3):
            await queue.ring(redis, names)
        await eventually(lambda: rows.archived(engine, len(names)))
        await eventually(lambda: _is_empty(redis))
    fetches = Counter(call for call in civitai.calls if "workflows" in call)
    assert set(fetches.values()) == {1}
    assert len(fetches) == len(names)
    claims = await rows.select(engine, "SELECT attempts, due_at, leased_until FROM workflows")
    assert [dict(row) for row in claims] == [{"attempts": 1, "due_at": None, "leased_until": None}] * len(names)
    assert len(await rows.results(engine)) == len(names)


async def test_a_wiped_valkey_is_only_a_lost_bell(
    config_there: settings.Settings, engine: AsyncEngine, redis: ArqRedis, civitai: Civitai
) -> None:
    names = [f"w{number}" for number in range(60)]
    await told(engine, civitai, names)
    gate = civitai.gate("GET /v2/consumer/workflows/w7")
    async with working.worker(config_there):
        await queue.ring(redis, names)
        await gate.arrived.wait()
        await redis.flushall()
        gate.opened.set()
        await eventually(lambda: rows.archived(engine, len(names)))


async def told(engine: AsyncEngine, civitai: Civitai, names: Sequence[str]) -> None:
    """Workflows of one picture each, which a callback has told of."""
    for name in names:
        served = civitai.serves(name, content(picture(name.encode())))
        civitai.workflows[name] = document(name, step("s", blob(name, served)))
        await rows.tell(engine, name)


async def _is_empty(redis: ArqRedis) -> bool:
    return bool(await redis.zcard(queue.NAME) == 0)
