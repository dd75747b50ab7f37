"""Who may speak to the gateway's MCP side, and from where."""

from typing import Any

import httpx
import pytest
from mcp.client.client import ConnectMode
from mcp.shared.exceptions import MCPError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import keys, settings
from gateway.app import create_app
from tests import serving
from tests.gateway.mcp.assistants import assistant, refused, use

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


async def answer(gateway: str, key: str | None, **headers: str) -> httpx.Response:
    """What a bare message is answered with."""
    given = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18", **headers}
    if key is not None:
        given["Authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient() as http:
        return await http.post(f"{gateway}/mcp", json=PING, headers=given)


async def test_nobody_speaks_without_a_key(gateway: str, key: str, engine: AsyncEngine) -> None:
    for wrong in (None, "x", "cak_wrong", f"{key}x"):
        refusal = await answer(gateway, wrong)
        assert (refusal.status_code, refusal.headers["Content-Type"]) == (401, "application/problem+json")
        assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await answer(gateway, key)).status_code == 200
    async with engine.connect() as connection:
        assert [one.last_used_at is not None for one in await keys.every(connection)] == [True]


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:9090", None, 200),
        ("[::1]:9090", None, 200),
        ("localhost", "http://localhost:6274", 200),
        ("192.168.1.7:9090", "http://192.168.1.7:9090", 200),
        ("192.168.1.7:9090", "http://192.168.1.8:9090", 403),
        ("localhost:9090", "https://evil.example", 403),
        ("localhost:9090", "null", 403),
        ("localhost:9090", "http://localhost.evil.example", 403),
        ("evil.example:9090", None, 421),
        ("evil.example", "http://evil.example", 421),
        ("localhost.evil.example", None, 421),
        ("127.0.0.1.evil.example", None, 421),
        ("[", None, 421),
        ("", None, 421),
        ("user@evil.example", None, 421),
    ],
)
async def test_names_and_pages_that_are_not_ours_are_refused(
    gateway: str, key: str, host: str, origin: str | None, status: int
) -> None:
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    assert (await answer(gateway, key, **headers)).status_code == status


async def test_the_name_in_the_settings_is_ours(
    environment: dict[str, str], config: settings.Settings, key: str
) -> None:
    del config
    public = settings.read({**environment, "GATEWAY_URL": "https://archive.example"})
    async with serving.app(create_app(public)) as gateway:
        assert (await answer(gateway, key, Host="archive.example")).status_code == 200
        ours = await answer(gateway, key, Host="archive.example", Origin="https://archive.example")
        assert ours.status_code == 200
        assert "Access-Control-Allow-Origin" not in ours.headers
        assert (await answer(gateway, key, Host="other.example")).status_code == 421


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_new_and_old_clients_are_told_the_same_tools(gateway: str, key: str, mode: ConnectMode) -> None:
    async with assistant(gateway, key, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == [
            "civitai-submit-workflow",
            "civitai-get-workflow",
            "civitai-query-workflows",
            "civitai-cancel-workflow",
            "archive-search-results",
            "archive-get-result",
            "archive-timeline",
            "archive-status",
            "archive-at-risk",
        ]
        assert all(tool.output_schema and tool.input_schema["type"] == "object" for tool in tools.values())
        assert (await use(client, "archive-status"))["workflows"]["archived"] == 0

    def hints(name: str) -> tuple[Any, ...]:
        told = tools[name].annotations
        assert told is not None
        return told.read_only_hint, told.destructive_hint, told.idempotent_hint

    assert hints("civitai-submit-workflow") == (False, False, False)
    assert hints("civitai-cancel-workflow") == (False, True, True)
    assert {hints(name) for name in tools if name not in ("civitai-submit-workflow", "civitai-cancel-workflow")} == {
        (True, False, True)
    }


async def test_a_key_that_may_only_read_is_told_of_no_tool_that_changes(gateway: str, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        reader = await keys.create(connection, "reader", ["read"])
    async with assistant(gateway, reader) as client:
        tools = (await client.list_tools()).tools
        assert len(tools) == 7
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


async def test_a_key_has_its_calls_of_a_minute_and_no_more(gateway: str, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        slow = await keys.create(connection, "slow", ["read"], calls_per_minute=2)
    async with assistant(gateway, slow) as client:
        for _ in range(2):
            await use(client, "archive-status")
        assert await refused(client, "archive-status") == "This key may make 2 calls a minute, and has."


async def test_a_fault_of_ours_tells_a_client_nothing(gateway: str, key: str, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("ALTER VIEW ops.at_risk RENAME TO at_risk_away"))
    try:
        async with assistant(gateway, key) as client:
            with pytest.raises(MCPError, match=r"^The gateway failed at this: its log says why\.$"):
                await client.call_tool("archive-at-risk", {})
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("ALTER VIEW ops.at_risk_away RENAME TO at_risk"))
