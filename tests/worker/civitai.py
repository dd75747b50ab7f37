"""Civitai as a test wants it: whatever the well-behaved sandbox would never answer.

The API is an application under uvicorn; the storage host writes raw bytes, since a server that knows HTTP refuses to
lie about a length.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestration.wire import JsonObject
from tests import serving

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Lists = Callable[[QueryParams], JsonObject | int]


@dataclass
class Gate:
    """Where a request waits, once it has arrived, until the test opens."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self) -> None:
        self.arrived.set()
        await self.opened.wait()


class Civitai:
    """Its two origins. A test fills the tables; what they lack is answered with 404.

    workflows, refreshed, jobs: id → the document, or the status of an error; listing likewise, or what makes it of a
    query's parameters.
    gates: `GET /path` → where it waits.
    calls: `GET /path` in the order of arrival, at both origins. heads: what the storage host was sent.
    """

    def __init__(self) -> None:
        self.api_url = self.blob_url = ""
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another test."""
        self.workflows: dict[str, JsonObject | int] = {}
        self.refreshed: dict[str, JsonObject | int] = {}
        self.jobs: dict[str, JsonObject | int] = {}
        self.listing: JsonObject | int | Lists = {"items": [], "next": None}
        self.retry_after: str | None = None
        self.gates: dict[str, Gate] = {}
        self.calls: list[str] = []
        self.heads: list[str] = []
        self._contents: dict[str, Answer] = {}

    def serves(self, name: str, answer: Answer) -> str:
        """Have the storage host answer so; the URL."""
        self._contents[f"/{name}"] = answer
        return f"{self.blob_url}/{name}"

    def gate(self, call: str) -> Gate:
        """Hold this call to the API."""
        return self.gates.setdefault(call, Gate())

    async def workflow(self, request: Request) -> Response:
        return await self._answer(request, self.workflows)

    async def job(self, request: Request) -> Response:
        return await self._answer(request, self.jobs)

    async def workflows_listed(self, request: Request) -> Response:
        listing = self.listing(request.query_params) if callable(self.listing) else self.listing
        return await self._answer(request, {"listing": listing})

    async def refresh(self, request: Request) -> Response:
        return await self._answer(request, self.refreshed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            target = head.split(" ")[1]
            self.calls.append(f"GET {target}")
            self.heads.append(head)
            await self._contents.get(target, status(404))(writer)
        writer.close()

    async def _answer(self, request: Request, answers: dict[str, JsonObject | int]) -> Response:
        call = f"{request.method} {request.url.path}"
        self.calls.append(call)
        if gate := self.gates.get(call):
            await gate.pass_through()
        answer = answers.get(request.path_params.get("id", "listing"), 404)
        if isinstance(answer, int):
            headers = {"Retry-After": self.retry_after} if self.retry_after else None
            return JSONResponse({"title": "so the test wants it"}, answer, headers)
        return Response(json.dumps(answer), media_type="application/json")  # escapes what UTF-8 cannot say


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Civitai]:
    """Both origins, on free ports."""
    civitai = Civitai()
    api = Starlette(
        routes=[
            Route("/v2/consumer/workflows", civitai.workflows_listed),
            Route("/v2/consumer/workflows/{id:path}", civitai.workflow),
            Route("/v1/consumer/jobs/{id:path}", civitai.job),
            Route("/v2/consumer/blobs/{id:path}/refresh", civitai.refresh, methods=["POST"]),
        ]
    )
    storage_host = await asyncio.start_server(civitai.serve, "127.0.0.1", 0)
    civitai.blob_url = f"http://127.0.0.1:{storage_host.sockets[0].getsockname()[1]}"
    async with serving.app(api) as civitai.api_url, storage_host:
        yield civitai


def picture(body: bytes) -> bytes:
    """Bytes that begin like a PNG, since nothing else is taken for a picture."""
    return b"\x89PNG\r\n\x1a\n" + body.ljust(24, b".")


def content(body: bytes, *, promised: int | None = None, media_type: str = "image/png") -> Answer:
    """The bytes, and a Content-Length that may be a lie."""
    length = len(body) if promised is None else promised

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(f"200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}") + body)
        await writer.drain()

    return answer


def held(body: bytes, gate: Gate, *, promised: int | None = None) -> Answer:
    """Half of the bytes, and the rest once the gate is open."""
    length = len(body) if promised is None else promised

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(f"200 OK\r\nContent-Length: {length}") + body[: len(body) // 2])
        await writer.drain()
        await gate.pass_through()
        writer.write(body[len(body) // 2 :])
        await writer.drain()

    return answer


def broken_chunks(body: bytes) -> Answer:
    """A chunked body that ends before its last chunk."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("200 OK\r\nTransfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()

    return answer


def status(code: int, *headers: str) -> Answer:
    """An error of the storage host's."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("\r\n".join((f"{code} Whatever", *headers, "Content-Length: 0"))))
        await writer.drain()

    return answer


async def silence(_writer: asyncio.StreamWriter) -> None:
    """Accept the request and say nothing, for longer than anybody waits."""
    await asyncio.sleep(2)


def document(workflow_id: str, *steps: JsonObject, status: str = "succeeded", days_ago: float = 0) -> JsonObject:
    """A workflow as GET answers it."""
    then = datetime.now(UTC) - timedelta(days=days_ago)
    times = {"createdAt": then.isoformat()} | ({} if status == "processing" else {"completedAt": then.isoformat()})
    return {"id": workflow_id, "status": status, **times, "tags": ["a", "b"], "metadata": {}, "steps": list(steps)}


def step(name: str, *blobs: JsonObject, status: str = "succeeded") -> JsonObject:
    """A step of pictures."""
    asked = {"prompt": "a cat"}
    return {"$type": "textToImage", "name": name, "status": status, "input": asked, "output": {"images": list(blobs)}}


def blob(blob_id: str, url: str | None, **facts: object) -> JsonObject:
    """A picture that is available."""
    return {"type": "image", "id": blob_id, "available": True, "url": url, **facts}


def in_seconds(seconds: float) -> str:
    """A time as documents write it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _head(lines: str) -> bytes:
    return f"HTTP/1.1 {lines}\r\nConnection: close\r\n\r\n".encode("latin-1")
