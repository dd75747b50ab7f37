"""Heads of requests at the ports of a gateway that runs as a process: none can be dripped for ever, none can be huge.

What the receiver does with bad input is in tests/receiver/test_bad_input.py, over the same connections.
"""

import asyncio
import contextlib

import pytest

from cli import request_heads
from tests.cli import commands


@pytest.fixture
def environment_of_it(servers: dict[str, str], account: dict[str, str]) -> dict[str, str]:
    return servers | account


async def pour(port: int, begin: bytes, more: bytes, *, pause: float) -> bytes:
    """Begin a head and never end it, until the server has had enough; what it said, as far as the kernel keeps that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def hear() -> bytes:
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return b""

    hearing = asyncio.create_task(hear())
    with contextlib.suppress(ConnectionError):
        writer.write(begin)
        while not hearing.done():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(pause)
    writer.close()
    return await hearing


async def test_a_gateway_waits_for_no_head_without_end_and_takes_none_that_is_too_large(
    environment_of_it: dict[str, str],
) -> None:
    ports = int(environment_of_it["GATEWAY_PORT"]), int(environment_of_it["MCP_PORT"])
    health = f"http://127.0.0.1:{ports[0]}/health"
    async with commands.started("gateway", environment=environment_of_it) as gateway:
        await gateway.answers(health)
        async with asyncio.timeout(60):
            head = b"POST /mcp HTTP/1.1\r\nHost: x\r\n"
            dripped = asyncio.gather(*(pour(port, head + b"X: ", b"y", pause=0.1) for port in ports))
            for port in ports:
                flood = await pour(port, head, b"X-Header: value\r\n" * 100, pause=0)
                assert flood in (b"", request_heads.TOO_LARGE)
            assert await dripped == [b"", b""]
        await gateway.answers(health)
    assert "Traceback" not in gateway.said()
