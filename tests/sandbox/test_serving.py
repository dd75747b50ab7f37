"""How what is served in this process begins and ends."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import serving


class Slow:
    """Answers once it may; says when it has been asked, and whether it was started and stopped."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.life: list[str] = []
        self.application = Starlette(routes=[Route("/", self._answer)], lifespan=self._live)

    async def _answer(self, _: Request) -> Response:
        self.asked.set()
        await self.may_answer.wait()
        return PlainTextResponse("done")

    @contextlib.asynccontextmanager
    async def _live(self, _: Starlette) -> AsyncIterator[None]:
        self.life.append("started")
        yield
        self.life.append("stopped")


@contextlib.asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    async with serving.serving(listener, uvicorn.Config(application, log_config=None)):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_an_answer_under_way_at_the_end_still_comes() -> None:
    slow = Slow()
    async with httpx.AsyncClient() as http:
        async with served(slow.application) as url:
            answering = asyncio.create_task(http.get(url))
            await slow.asked.wait()
            asyncio.get_running_loop().call_later(0.1, slow.may_answer.set)
        assert (await answering).text == "done"
    assert slow.life == ["started", "stopped"]
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient().get(url)


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CLOSING_SECONDS", 0.05)
    slow = Slow()
    async with httpx.AsyncClient(timeout=60) as http:
        async with served(slow.application) as url:
            answering = asyncio.create_task(http.get(url))
            await slow.asked.wait()
        with contextlib.suppress(httpx.HTTPError):
            assert (await answering).text != "done"
    assert slow.life == ["started", "stopped"]


async def test_an_application_that_does_not_start_is_an_error() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == f"{scope['type']}.startup"
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        async with served(fail):
            pass
