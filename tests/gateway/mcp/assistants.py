"""Assistants: the official SDK's client, as one that knows the gateway's address and has a key."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent


@asynccontextmanager
async def assistant(gateway: str, key: str, mode: ConnectMode = "auto") -> AsyncIterator[Client]:
    """One that speaks the newest protocol, or with `legacy` the one before."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{gateway}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


async def use(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """Use a tool: what it tells, which text says too."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, said(result)
    assert json.loads(said(result)) == result.structured_content
    return dict(result.structured_content)


async def refused(client: Client, name: str, **arguments: Any) -> str:
    """Use a tool that refuses: why."""
    result = await client.call_tool(name, arguments)
    assert result.is_error
    return said(result)


def said(result: CallToolResult) -> str:
    """The text, which comes last."""
    content = result.content[-1]
    assert isinstance(content, TextContent)
    return content.text
