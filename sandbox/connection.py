"""The TCP connection under a request, for the faults that HTTP has no words for."""

import asyncio
import contextlib
import socket
import struct
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVING = 0.02  # seconds: a reset throws away what the other side has not read by then
_KEY = "sandbox.connection"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, for 0 seconds


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; every request's scope leads to its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # noqa: D102 (asyncio)
        super().connection_made(transport)
        application = self.app

        async def connected(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_KEY] = transport
            await application(scope, receive, send)

        self.app = connected


def of(scope: Scope) -> asyncio.Transport:
    """The connection that this request came on."""
    return cast(asyncio.Transport, scope[_KEY])


async def close(scope: Scope, receive: Receive) -> None:
    """End the connection once what was written is sent, whatever was promised to come after it."""
    of(scope).close()
    await _gone(receive)


async def reset(scope: Scope, receive: Receive) -> None:
    """Break the connection, as a peer that died does (RST)."""
    await asyncio.sleep(ARRIVING)
    with contextlib.suppress(OSError):  # the other side has hung up meanwhile
        of(scope).get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    of(scope).abort()
    await _gone(receive)


async def is_gone_within(receive: Receive, seconds: float) -> bool:
    """Wait for so long; True as soon as the other side has hung up."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_gone(receive), seconds)
        return True
    return False


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
