"""A door before a server, which a test can shut while the server itself goes on for everybody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

from embedded.supervisor import Addresses


class Door:
    """A loopback port that leads to a unix socket. `address` is `127.0.0.1:port`, the same however often it is shut."""

    def __init__(self, behind: str) -> None:
        self.address = ""
        self._behind = behind
        self._port = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"

    async def shut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server:
            self._server.close()
        for passing in self._passing:
            passing.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._behind)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            for each in (writer, inner_writer):
                each.transport.abort()


@contextlib.asynccontextmanager
async def before_postgres(addresses: Addresses) -> AsyncIterator[Door]:
    """`postgresql://archive@{door.address}/archive` leads to the PostgreSQL of the tests."""
    at = parse_qs(urlsplit(addresses.database_url).query)
    async with _opened(f"{at['host'][0]}/.s.PGSQL.{at['port'][0]}") as door:
        yield door


@contextlib.asynccontextmanager
async def before_valkey(addresses: Addresses) -> AsyncIterator[Door]:
    """`redis://{door.address}` leads to the Valkey of the tests."""
    async with _opened(addresses.redis_url.removeprefix("unix://")) as door:
        yield door


@contextlib.asynccontextmanager
async def _opened(behind: str) -> AsyncIterator[Door]:
    door = Door(behind)
    await door.open()
    try:
        yield door
    finally:
        await door.shut()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
