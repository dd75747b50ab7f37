"""Real servers on loopback for the other side: a Starlette app under uvicorn, and ones that answer raw bytes."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Serve the app on a free port and give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Clients have hung up by now; uvicorn's own shutdown would take a tenth of a second a test.
        for listening in server.servers:
            listening.close()
            await listening.wait_closed()


CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"
"""For localhost, 127.0.0.1 and ::1, with its key, which is nobody's secret."""

NOBODY = CERTIFICATE.with_name("nobody.pem")
"""An authority that has signed nothing, and whose key is lost."""

Respond = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
"""Takes a request's head and writes whatever it likes; then the connection is closed."""


@asynccontextmanager
async def serve_raw(respond: Respond, *, host: str = "127.0.0.1", tls: bool = False) -> AsyncIterator[str]:
    """Have this function answer every connection's only request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            await respond(head.decode(), writer)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
    server = await asyncio.start_server(handle, host, 0, ssl=context)
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"http{'s' if tls else ''}://{shown}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def serve_bytes(answer: bytes, *, then_hold: bool = False) -> AsyncIterator[str]:
    """Answer every connection with these bytes, and close it; or leave it open and silent."""
    release = asyncio.Event()

    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        if then_hold:
            await release.wait()

    async with serve_raw(respond) as address:
        try:
            yield address
        finally:
            release.set()
