"""The gateway as a process: what it answers, what it says, and what it never says."""

import json
import signal
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway import signing
from tests.archive.factories import archived_workflow
from tests.cli import commands
from tests.gateway.mcp.assistants import assistant, use


@pytest.fixture
def environment_of_it(servers: dict[str, str], account: dict[str, str], free_port: int) -> dict[str, str]:
    return servers | account | {"GATEWAY_PORT": str(free_port)}


async def test_it_serves_who_has_a_key_until_it_is_asked_to_end_and_shows_no_secret(
    environment_of_it: dict[str, str], engine: AsyncEngine, free_port: int
) -> None:
    blob = {"type": "image", "id": "a.png", "available": True, "url": "https://blobs.example/a?sig=hush"}
    document = {"id": "wf", "status": "succeeded", "steps": [{"name": "s", "output": {"images": [blob]}}]}
    await archived_workflow(engine, document)
    made = await commands.run("key", "create", "alice", environment=environment_of_it)
    key = made.out.strip()
    async with (
        commands.started(
            "gateway", "--host", "127.0.0.1", "--port", str(free_port), environment=environment_of_it
        ) as gateway,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port}") as http,
    ):
        await gateway.answers(f"http://127.0.0.1:{free_port}/ready")
        assert (await http.get("/v2/consumer/workflows/wf")).status_code == 401
        answer = await http.get("/v2/consumer/workflows/wf", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        signed = answer.json()["steps"][0]["output"]["images"][0]["url"]
        assert (await http.get(signed)).status_code == 404  # there is no storage here
        async with assistant(f"http://127.0.0.1:{environment_of_it['MCP_PORT']}", key) as client:
            assert (await use(client, "civitai-get-workflow", workflowId="wf"))["id"] == "wf"
        gateway.send(signal.SIGTERM)
        assert await gateway.ends() == 0
    said = gateway.said()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    answered = [line for line in lines if line["event"] == "answered" and line["operation"] == "getWorkflow"]
    assert [(line["status"], line["key"], line["source"]) for line in answered] == [
        (401, None, "none"),
        (200, "alice", "archive"),
        (200, "alice", "archive"),
    ]
    for secret in (key, environment_of_it["CIVITAI_API_TOKEN"], "sig=", signed.partition("sig=")[2][:20], "Traceback"):
        assert secret not in said
    kept = Path(environment_of_it["ARCHIVE_HOME"]) / signing.KEY_FILE
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_taken_port_is_one_sentence(environment_of_it: dict[str, str], taken_port: int) -> None:
    done = await commands.run("gateway", "--port", str(taken_port), environment=environment_of_it)
    done.assert_failed(1, rf"cannot listen on 127\.0\.0\.1 port {taken_port} \(.*\): choose .* --port or GATEWAY_PORT")
    done = await commands.run("gateway", "--mcp-port", str(taken_port), environment=environment_of_it)
    done.assert_failed(1, rf"cannot listen on 127\.0\.0\.1 port {taken_port} \(.*\): choose .* --mcp-port or MCP_PORT")


async def test_without_a_token_it_asks_for_one(environment_of_it: dict[str, str]) -> None:
    done = await commands.run("gateway", environment=environment_of_it | {"CIVITAI_API_TOKEN": ""})
    done.assert_failed(3, "CIVITAI_API_TOKEN is not set")


async def test_a_database_without_tables_is_one_sentence(
    environment_of_it: dict[str, str], without_tables: str
) -> None:
    done = await commands.run("gateway", environment=environment_of_it | {"DATABASE_URL": without_tables})
    done.assert_failed(1, "the database has no tables yet: run civitai-archive migrate")
