"""Civitai's API as a test has it answer: what it is asked is written down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from orchestration import retry
from orchestration.client import Client
from tests.orchestration.servers import serve

TOKEN = "TOKEN-abc"


QUICKLY = retry.Schedule(delays=(0.01, 0.01))


@dataclass
class Api:
    """The other side: writes down what it is asked and answers from a list, its last answer for ever."""

    answers: list[Response]
    address: str = ""
    asked: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append(request)
        self.bodies.append(await request.body())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await answer(scope, receive, send)

    @property
    def paths(self) -> list[str]:
        """The paths as they came over the wire."""
        return [f"{request.method} {request.scope['raw_path'].decode()}" for request in self.asked]

    def query(self, number: int = 0) -> list[tuple[str, str]]:
        return parse_qsl(self.asked[number].scope["query_string"].decode(), keep_blank_values=True)


@asynccontextmanager
async def api(*answers: Response) -> AsyncIterator[Api]:
    stand_in = Api(list(answers))
    async with serve(stand_in) as stand_in.address:
        yield stand_in


@asynccontextmanager
async def talking(*answers: Response, retries: retry.Schedule | None = QUICKLY) -> AsyncIterator[tuple[Client, Api]]:
    async with api(*answers) as stand_in, Client(stand_in.address, TOKEN, retries=retries, timeout=5) as client:
        yield client, stand_in


def ok(document: Any) -> Response:
    return JSONResponse(document)


def refusal(status: int, **headers: str) -> Response:
    return JSONResponse({"title": "No"}, status, headers, media_type="application/problem+json")
