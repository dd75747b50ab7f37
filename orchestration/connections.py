"""Connections to hosts: made to allowed addresses alone, and used again while they are at rest."""

import asyncio
import itertools
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable

import aiohappyeyeballs
import yarl

from orchestration import addresses, authorities, heads, http1, proxies

IDLE = 15.0  # seconds that one at rest is kept
_NEXT_ADDRESS = 0.25  # seconds after which another address of the host is tried beside the first

Origin = tuple[str, str, int]


class Connections:
    """One set for a process. Whoever takes a connection gives it back."""

    def __init__(
        self,
        *,
        is_allowed: Callable[[str], bool],
        tls: ssl.SSLContext | None,
        connect: float,
        proxy: proxies.Proxy | None = None,
    ) -> None:
        """Take which addresses may be connected to, whose certificates are believed (None: those of public
        authorities), the seconds for a connection, and by way of whom all of them go.
        """
        self._guarded = addresses.guarded_sockets(is_allowed)
        self._tls, self._connect, self._proxy = tls, connect, proxy
        self._resting: defaultdict[Origin, dict[http1.Connection, asyncio.TimerHandle]] = defaultdict(dict)
        self._open: set[http1.Connection] = set()

    async def ask(
        self, url: yarl.URL, request: bytes, *, is_repeatable: bool = True
    ) -> tuple[http1.Connection, heads.Head]:
        """Send a request to this host, and wait for the head of its answer; on which connection that comes.

        What `is_repeatable` is sent once more when its host has closed the connection meanwhile. Raises as `fresh`
        does, and http1.Broken.
        """
        while True:
            was_at_rest = connection = self.at_rest(url)
            if connection is None:
                connection = await self.fresh(url)
            try:
                return connection, await connection.ask(request)
            except BaseException as error:
                connection.abort()
                if was_at_rest and is_repeatable and isinstance(error, http1.Broken) and connection.is_silent:
                    continue  # the host closed it before the question came there
                raise

    def at_rest(self, url: yarl.URL) -> http1.Connection | None:
        """One that has been used before, the last first. Its host may be about to close it."""
        resting = self._resting[_origin(url)]
        while resting:
            connection, end = resting.popitem()
            end.cancel()
            if connection.is_reusable:
                return connection
        return None

    async def fresh(self, url: yarl.URL) -> http1.Connection:
        """A new one. Raises NotPublicError for a host that has no allowed address, OSError, ValueError."""
        try:
            async with asyncio.timeout(self._connect):
                return await self._made(url)
        except TimeoutError:
            raise TimeoutError("no connection in time") from None

    async def _made(self, url: yarl.URL) -> http1.Connection:
        scheme, host, port = _origin(url)
        loop, via = asyncio.get_running_loop(), self._proxy
        where = (host, port) if via is None else via.address
        found = await loop.getaddrinfo(*where, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        opened = await aiohappyeyeballs.start_connection(
            found, happy_eyeballs_delay=_NEXT_ADDRESS, loop=loop, socket_factory=self._guarded
        )
        try:
            if via is not None and scheme == "https":
                await via.tunnel(opened, host, port)
            tls = (self._tls or authorities.context()) if scheme == "https" else None
            name = host.rstrip(".") if tls else None
            _, connection = await loop.create_connection(http1.Connection, sock=opened, ssl=tls, server_hostname=name)
        except BaseException:
            opened.close()
            raise
        self._open.add(connection)
        connection.closed.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    def give_back(self, url: yarl.URL, connection: http1.Connection) -> None:
        """Keep it for the next question to this host, if it can take one; else close it."""
        if not connection.is_reusable:
            connection.abort()
            return
        origin = _origin(url)
        self._resting[origin][connection] = asyncio.get_running_loop().call_later(IDLE, self._leave, origin, connection)

    async def aclose(self) -> None:
        """Close all of them."""
        for end in itertools.chain.from_iterable(resting.values() for resting in self._resting.values()):
            end.cancel()
        opened = list(self._open)
        for connection in opened:
            connection.abort()
        if opened:
            await asyncio.wait([connection.closed for connection in opened])  # whose end is no wait's to cancel

    def _leave(self, origin: Origin, connection: http1.Connection) -> None:
        connection.abort()
        del self._resting[origin][connection]
        if not self._resting[origin]:
            del self._resting[origin]


def _origin(url: yarl.URL) -> Origin:
    """Raises ValueError for a URL without a host."""
    if url.raw_host is None or url.port is None:
        raise ValueError("it names no host")
    return url.scheme, url.raw_host, url.port
