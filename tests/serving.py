"""Applications served on loopback, on real sockets, in the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import HTTPProtocolType

from archive import settings
from receiver.app import create_app
from sandbox import serving


@contextlib.asynccontextmanager
async def app(application: ASGIApp, http: type[asyncio.Protocol] | HTTPProtocolType = "auto") -> AsyncIterator[str]:
    """Serve an application on a free port, over connections of this kind; its address."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it small answers wait for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    async with serving.serving(listener, uvicorn.Config(application, http=http, log_config=None)):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def receiver(config: settings.Settings) -> AsyncIterator[str]:
    """Serve a receiver."""
    async with app(create_app(config)) as url:
        yield url
