"""A gateway before the sandbox, and workflows that went the whole way into the archive."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import keys, settings
from cli import request_heads
from gateway.app import create_app
from gateway.sources import HEADER
from gateway.workflows import WORKFLOWS
from orchestration.client import Client
from orchestration.wire import JsonObject
from sandbox.server import Sandbox
from tests import serving
from tests.worker import rows
from worker import archive_workflow
from worker.tools import open_tools

STEP = {"$type": "textToImage", "name": "cats", "input": {"prompt": "two cats", "quantity": 2}}
QUICK = {"sandbox": {"seconds": 0}}


@dataclass(frozen=True)
class Archive:
    """What a test needs to have workflows archived."""

    config: settings.Settings
    engine: AsyncEngine
    sandbox: Sandbox
    worker: Callable[[], AbstractAsyncContextManager[None]]

    async def submit(self, **facts: Any) -> JsonObject:
        """Submit a workflow at Civitai, wait until it has ended, and tell nobody."""
        async with Client(self.config.api_url, self.sandbox.token) as civitai:
            return await civitai.submit({"steps": [STEP], "metadata": QUICK, **facts}, wait=20)

    async def archived(self, count: int = 1, **facts: Any) -> list[JsonObject]:
        """So many workflows that have been archived, as Civitai gives them."""
        submitted = [await self.submit(**facts) for _ in range(count)]
        async with open_tools(self.config) as tools:
            for workflow in submitted:
                await rows.tell(self.engine, workflow["id"])
                await archive_workflow.archive_workflow(tools, workflow["id"])
        assert await rows.archived(self.engine, count)
        async with Client(self.config.api_url, self.sandbox.token) as civitai:
            return [await civitai.get(workflow["id"]) for workflow in submitted]


@pytest.fixture
def archive(
    config: settings.Settings,
    engine: AsyncEngine,
    sandbox: Sandbox,
    worker: Callable[[], AbstractAsyncContextManager[None]],
) -> Archive:
    return Archive(config, engine, sandbox, worker)


@pytest.fixture
async def gateway(config: settings.Settings) -> AsyncIterator[str]:
    """A gateway that serves over the connections that the command uses; its address."""
    async with serving.app(create_app(config), http=request_heads.Connection) as url:
        yield url


@pytest.fixture
async def key(engine: AsyncEngine) -> str:
    """A key that may do everything."""
    async with engine.begin() as connection:
        return await keys.create(connection, "tests", keys.SCOPES, calls_per_minute=100_000)


@pytest.fixture
async def client(gateway: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with that key, who follows no redirect."""
    async with httpx.AsyncClient(base_url=gateway, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


async def forget(sandbox: Sandbox) -> None:
    """Have Civitai know nothing any more."""
    async with httpx.AsyncClient() as http:
        (await http.post(f"{sandbox.api_url}/sandbox/forget")).raise_for_status()


def blob_of(document: JsonObject, number: int = 0) -> JsonObject:
    """One of the pictures of its first step."""
    blob: JsonObject = document["steps"][0]["output"]["images"][number]
    return blob


async def kept_blob(archive: Archive, client: httpx.AsyncClient, **facts: Any) -> tuple[JsonObject, bytes]:
    """A blob that is archived, as the archive tells it, and its bytes at Civitai."""
    (document,) = await archive.archived(**facts)
    answer = await client.get(f"{WORKFLOWS}/{document['id']}", headers={HEADER: "archive"})
    blob = blob_of(answer.json())
    async with httpx.AsyncClient() as http:
        return blob, (await http.get(blob_of(document)["url"])).raise_for_status().content


def without_addresses(value: Any) -> Any:
    """A document without what two answers always differ in."""
    if isinstance(value, dict):
        return {
            key: without_addresses(child)
            for key, child in value.items()
            if key not in ("url", "urlExpiresAt", "previewUrl", "previewUrlExpiresAt")
        }
    return [without_addresses(item) for item in value] if isinstance(value, list) else value
