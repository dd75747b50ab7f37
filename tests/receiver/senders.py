"""Who calls the receiver, and what is there afterwards."""

import asyncio
import json
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import tables
from tests.archive.factories import rows, workflow_event
from tests.conftest import SECRET

END = workflow_event("wf", "succeeded", "2026-11-22T05:00:00Z")


async def post(http: httpx.AsyncClient, body: Any = END, query: str = f"token={SECRET}") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await http.post(f"/callbacks?{query}", content=content, headers={"Content-Type": "application/json"})


async def everything(engine: AsyncEngine) -> str:
    """Every row of every table."""
    return repr([await rows(engine, f"SELECT * FROM {table.name}") for table in tables.metadata.sorted_tables])  # noqa: S608


async def nothing_is_stored(engine: AsyncEngine) -> bool:
    return await rows(engine, "SELECT 1 FROM events UNION ALL SELECT 1 FROM quarantine") == []


async def speak(url: str, *parts: bytes, until_closed: bool = False) -> bytes:
    """What a server answers to these bytes: what comes first, or all until it closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await (reader.read() if until_closed else reader.read(4096))
    finally:
        writer.close()
