"""MCP over Streamable HTTP, at PATH: who may speak, and from where.

No session is kept: each message stands for itself, so that any process of the gateway can answer any of them.
"""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import bodies, door, problems, showing
from gateway.mcp import server
from gateway.mcp.caller import Caller
from gateway.problems import Problem
from gateway.state import State

PATH = "/mcp"


@asynccontextmanager
async def serving(rest: ASGIApp) -> AsyncIterator[StreamableHTTPSessionManager]:
    """What answers messages, until the block ends; `rest` is the gateway's own application."""

    def caller_of(context: server.Context) -> Caller:
        request = cast(Request[State], context.request)
        return Caller(rest, request.scope["state"], request.headers, showing.base_url(request))

    manager = StreamableHTTPSessionManager(
        server.create(caller_of), json_response=True, stateless=True, max_request_body_size=bodies.BYTES_AT_MOST
    )
    async with manager.run():
        yield manager


class Endpoint:
    """The ASGI application at PATH."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        request: Request[State] = Request(scope, receive)
        try:
            _check_origin(request)
            await request.state["keyring"].identify(request.headers)
        except Exception as error:
            problem = door.problem_of(error)
            if problem is None:
                raise
            await problems.response(problem)(scope, receive, send)
            return
        await request.state["mcp"].handle_request(scope, receive, send)


def _check_origin(request: Request[State]) -> None:
    """Refuse what a browser was lured into sending. Raises Problem.

    A name that an attacker's DNS makes point at us is in the Host header: names there are only ours. Addresses are
    nobody's to make point elsewhere. A page may call if it comes from here itself, from this machine or from our URL.
    """
    host = request.headers.get("Host", "")
    url = request.state["config"].gateway.url
    ours = urlsplit(url).netloc.lower() if url else None
    if host.lower() != ours and not _is_local_or_address(host):
        sentence = "This gateway is not called by that name: set GATEWAY_URL to the address by which clients reach it."
        raise Problem(421, sentence)
    origin = request.headers.get("Origin")
    if origin is None:
        return
    from_host = urlsplit(origin).netloc if origin.startswith(("http://", "https://")) else ""
    if not from_host or (from_host.lower() not in (host.lower(), ours) and not _is_local(from_host)):
        raise Problem(403, "Pages of other origins may not call this gateway.")


def _is_local(netloc: str) -> bool:
    name = _name(netloc)
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_local_or_address(netloc: str) -> bool:
    name = _name(netloc)
    try:
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
