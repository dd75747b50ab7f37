import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import yarl

from orchestration import addresses, connections, http1
from tests.orchestration import servers

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"


@asynccontextmanager
async def opened() -> AsyncIterator[connections.Connections]:
    made = connections.Connections(is_allowed=lambda _: True, tls=None, connect=30)
    try:
        yield made
    finally:
        await made.aclose()


async def asked(connection: http1.Connection) -> bytes:
    await connection.ask(ASK)
    return await connection.read()


async def test_what_can_be_asked_again_is_kept_for_its_host_alone() -> None:
    async with servers.serve_bytes(OK, then_hold=True) as address, opened() as pool:
        url = yarl.URL(address)
        connection = await pool.fresh(url)
        assert await asked(connection) == b"x"
        assert pool.at_rest(url) is None
        pool.give_back(url, connection)
        assert pool.at_rest(url.with_port(1)) is None
        assert pool.at_rest(url.with_scheme("https").with_port(url.port)) is None
        assert pool.at_rest(url) is connection
        assert pool.at_rest(url) is None


async def test_what_its_host_has_closed_is_not_given_out() -> None:
    async with servers.serve_bytes(OK) as address, opened() as pool:
        url = yarl.URL(address)
        connection = await pool.fresh(url)
        await asked(connection)
        pool.give_back(url, connection)
        await connection.closed
        assert pool.at_rest(url) is None


async def test_what_rests_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE", 0.01)
    async with servers.serve_bytes(OK, then_hold=True) as address, opened() as pool:
        url = yarl.URL(address)
        connection = await pool.fresh(url)
        await asked(connection)
        pool.give_back(url, connection)
        async with asyncio.timeout(30):
            await connection.closed


async def test_what_cannot_be_asked_again_is_closed_when_it_is_given_back() -> None:
    async with servers.serve_bytes(OK[:-1], then_hold=True) as address, opened() as pool:
        connection = await pool.fresh(yarl.URL(address))
        await connection.ask(ASK)
        pool.give_back(yarl.URL(address), connection)
        async with asyncio.timeout(30):
            await connection.closed


async def test_nothing_stays_open() -> None:
    async with servers.serve_bytes(OK, then_hold=True) as address:
        async with opened() as pool:
            url = yarl.URL(address)
            resting, used = [await pool.fresh(url) for _ in range(2)]
            await asked(resting)
            pool.give_back(url, resting)
        assert resting.closed.done()
        assert used.closed.done()


async def test_whoever_is_cancelled_while_all_is_closed_leaves_each_to_its_end() -> None:
    async with servers.serve_bytes(OK, then_hold=True) as address, opened() as pool:
        connections_of_it = [await pool.fresh(yarl.URL(address)) for _ in range(2)]
        closing = asyncio.create_task(pool.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        for connection in connections_of_it:
            await connection.closed


async def test_an_address_that_is_not_allowed_gets_no_socket() -> None:
    pool = connections.Connections(is_allowed=addresses.is_public, tls=None, connect=30)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(addresses.NotPublicError):
            await pool.fresh(yarl.URL(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        with pytest.raises(BlockingIOError):
            listener.accept()
