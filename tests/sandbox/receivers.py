"""A receiver of callbacks on a real socket: keeps what came, answers what it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests import serving, working


class Receiver:
    """`answers` are given one a request, then 202."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int] = []
        self.seconds = 0.0  # before each answer
        self.bodies: list[dict[str, Any]] = []
        self.queries: list[str] = []
        self.at_once = self.most_at_once = 0

    async def take(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.bodies.append(await request.json())
        self.queries.append(request.url.query)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        return Response(status_code=self.answers.pop(0) if self.answers else 202)

    def callback(self, *events: str, detailed: bool = False) -> dict[str, Any]:
        """An entry of `callbacks`."""
        return {"url": self.url, "type": list(events), "detailed": detailed}

    def told(self) -> list[str]:
        """What was told, in order: `workflow preparing`, `step succeeded`, `job failed`."""
        return [f"{body['$type']} {body['status']}" for body in self.bodies]


@contextlib.asynccontextmanager
async def serving_one() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = Starlette(routes=[Route("/callbacks", receiver.take, methods=["POST"])])
    async with serving.app(application) as url:
        receiver.url = f"{url}/callbacks?token=its-secret&runId=7"
        yield receiver


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what is about to be told."""

    async def look() -> bool | None:
        return holds() or None

    await working.eventually(look, every=0.02)
