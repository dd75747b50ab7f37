"""The gateway's door: what cannot be answered is said so, whatever the reason, and never with a traceback."""

import json
import socket

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from gateway import app, bodies
from gateway.app import create_app
from gateway.sources import HEADER
from tests import serving
from tests.archive.factories import archived_workflow
from tests.gateway.conftest import STEP, Archive

WORKFLOWS = "/v2/consumer/workflows"


async def test_while_the_database_is_away_only_health_is_well(environment: dict[str, str], key: str) -> None:
    away = settings.read(environment | {"DATABASE_URL": "postgresql://archive@127.0.0.1:9/archive"})
    async with serving.app(create_app(away)) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/health")).status_code == 200
        for path in ("/ready", f"{WORKFLOWS}/wf", "/v2/consumer/blobs/b"):
            answer = await http.get(path, headers={"Authorization": f"Bearer {key}"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json"), path


async def test_a_database_that_does_not_answer_in_time_is_away(
    config: settings.Settings, engine: AsyncEngine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DATABASE_SECONDS", 0.5)
    async with serving.app(app.create_app(config)) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE gateway_keys"))
            answer = await http.get(f"{WORKFLOWS}/wf", headers={"Authorization": f"Bearer {key}"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
        answer = await http.get(f"{WORKFLOWS}/wf", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 404


async def test_a_host_that_is_none_is_in_no_address(archive: Archive, client: httpx.AsyncClient) -> None:
    blob = {"type": "image", "id": "a.png", "available": True, "url": "https://blobs.example/a"}
    document = {"id": "wf", "status": "succeeded", "steps": [{"name": "s", "output": {"images": [blob]}}]}
    await archived_workflow(archive.engine, document)
    for host, status in (
        ("gateway.example:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example/path?", 400),
        ('evil"example', 400),
        ("user@evil.example", 400),
        ("", 400),
    ):
        answer = await client.get(f"{WORKFLOWS}/wf", headers={"Host": host})
        assert answer.status_code == status, host
        if status == 200:
            url = answer.json()["steps"][0]["output"]["images"][0]["url"]
            assert url.startswith(f"http://{host}/v2/consumer/blobs/a.png?")


async def test_a_body_is_read_as_far_as_its_bound(
    client: httpx.AsyncClient, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BYTES_AT_MOST", 2000)
    assert (await client.post(WORKFLOWS, json={"steps": [STEP], "metadata": {"a": "b" * 3000}})).status_code == 413
    monkeypatch.setattr(bodies, "SECONDS", 0.1)
    host, port = gateway.removeprefix("http://").split(":")
    head = f"POST {WORKFLOWS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {client.headers['Authorization']}\r\n"
    with socket.create_connection((host, int(port))) as slow:
        slow.setblocking(False)
        slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        answer = await client.get("/health")  # the loop goes on meanwhile
        assert answer.is_success
        told = b""
        while b"\r\n\r\n" not in told:
            try:
                told += slow.recv(4096)
            except BlockingIOError:
                await client.get("/health")
    assert told.startswith(b"HTTP/1.1 408 ")


async def test_other_sites_get_no_leave_from_us(client: httpx.AsyncClient) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for answer in (
        await client.options(WORKFLOWS, headers=preflight),
        await client.get(WORKFLOWS, headers={"Origin": "https://evil.example"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_what_is_not_there_is_a_problem_too(client: httpx.AsyncClient) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("GET", "/", 404), ("OPTIONS", WORKFLOWS, 405)):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert json.loads(answer.text)["status"] == status
        assert HEADER not in answer.headers
