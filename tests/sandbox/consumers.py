"""Somebody who runs workflows: the sandbox as an integrator meets it, over HTTP alone."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from sandbox.server import Sandbox
from tests import working

Document = dict[str, Any]


class Consumer:
    """`api` holds the token, `storage` holds nothing."""

    def __init__(self, api: httpx.AsyncClient, storage: httpx.AsyncClient) -> None:
        self.api, self.storage = api, storage

    async def submit(self, body: object, **query: str | int) -> httpx.Response:
        return await self.api.post("/v2/consumer/workflows", json=body, params=query)

    async def run(self, step_type: str = "imageGen", wishes: Document | None = None, **play: Any) -> Document:
        """Run one small step to its end; its workflow. `play` is the step's `metadata.sandbox`."""
        answer = await self.submit(body(step_type, wishes, **play), wait=20)
        assert answer.status_code == 200, answer.text
        return document(answer)

    async def get(self, workflow_id: str, **query: str) -> httpx.Response:
        return await self.api.get(f"/v2/consumer/workflows/{workflow_id}", params=query)

    async def begin_to_wait(self, workflow_id: str) -> "asyncio.Task[httpx.Response]":
        """A GET that waits for the workflow's end, once it has reached the API."""
        waiting = asyncio.create_task(self.get(workflow_id, wait="60"))

        async def look() -> bool | None:
            seen = (await self.api.get("/sandbox/requests", params={"origin": "api"})).json()["newest"]
            return any(each["path"].endswith(workflow_id) and each["method"] == "GET" for each in seen) or None

        await working.eventually(look, every=0.02)
        return waiting

    async def items(self, **query: str | int | list[str]) -> list[Document]:
        answer = await self.api.get("/v2/consumer/workflows", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def refresh(self, blob_id: str) -> httpx.Response:
        return await self.api.post(f"/v2/consumer/blobs/{blob_id}/refresh")

    async def served(self) -> dict[str, Document]:
        """What the sandbox says that it serves, by blob id."""
        return {entry["id"]: entry for entry in (await self.api.get("/sandbox/blobs")).json()}

    async def holds(self, answer: httpx.Response, blob: Document) -> bool:
        """Whether the answer's body is the blob's."""
        digest = hashlib.sha256(answer.content).hexdigest()
        return bool(digest == (await self.served())[blob["id"]]["sha256"])


@contextlib.asynccontextmanager
async def of(sandbox: Sandbox) -> AsyncIterator[Consumer]:
    token = {"Authorization": f"Bearer {sandbox.token}"}
    async with (
        httpx.AsyncClient(base_url=sandbox.api_url, headers=token, transport=_plain(), timeout=60) as api,
        httpx.AsyncClient(transport=_plain(), timeout=60) as storage,
    ):
        yield Consumer(api, storage)


def _plain() -> httpx.AsyncHTTPTransport:
    """Without certificates: nothing to verify on loopback, and they take long to load."""
    return httpx.AsyncHTTPTransport(verify=False)


def body(step_type: str = "imageGen", wishes: Document | None = None, **play: Any) -> Document:
    """A workflow of one small, quick step."""
    small = {"width": 64, "height": 64, "duration": 0.5, **(wishes or {})}
    return {
        "steps": [{"$type": step_type, "name": "step", "input": small}],
        "metadata": {"sandbox": {"seconds": 0, **play}},
    }


def document(answer: httpx.Response) -> Document:
    read = answer.json()
    assert isinstance(read, dict)
    return read


def output(workflow: Document) -> Any:
    return workflow["steps"][0]["output"]


def image(workflow: Document) -> Document:
    """The first image of an imageGen."""
    first = output(workflow)["images"][0]
    assert isinstance(first, dict)
    return first
