import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from orchestration import http1
from tests.orchestration import servers

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = bytes(range(256)) * (5 * http1.PIECE_BYTES // 512)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[http1.Connection]:
    scheme, _, host = address.partition("://")
    tls = ssl.create_default_context(cafile=servers.CERTIFICATE) if scheme == "https" else None
    name, _, port = host.rpartition(":")
    _, connection = await asyncio.get_running_loop().create_connection(http1.Connection, name, int(port), ssl=tls)
    try:
        yield connection
    finally:
        connection.abort()
        await connection.closed


async def read(connection: http1.Connection) -> list[bytes]:
    pieces = []
    while piece := await connection.read():
        pieces.append(piece)
    return pieces


def in_pieces(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def with_length(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def in_chunks(content: bytes) -> bytes:
    chunks = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in in_pieces(content, 100_000)]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def to_the_end(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("framed", [with_length, in_chunks, to_the_end])
def test_a_body_comes_whole_however_its_end_is_told(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tls: bool, framed: Callable[[bytes], bytes]
) -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(LARGE))

    async def have() -> None:
        async with servers.serve_raw(respond, tls=tls) as address, connected(address) as connection:
            head = await connection.ask(ASK)
            assert head.status == 200
            assert b"".join(await read(connection)) == LARGE
            assert await connection.read() == b""
            assert connection.came == len(LARGE)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(have())


async def test_what_has_a_length_comes_in_pieces_of_one_size() -> None:
    async with servers.serve_bytes(with_length(LARGE)) as address, connected(address) as connection:
        await connection.ask(ASK)
        assert await read(connection) == in_pieces(LARGE, http1.PIECE_BYTES)


async def test_nothing_is_taken_in_that_nobody_reads() -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(with_length(bytes(20 << 20)))

    async with servers.serve_raw(respond) as address, connected(address) as connection:
        await connection.ask(ASK)
        await connection.read()
        for _ in range(20):
            await asyncio.sleep(0)
        assert connection.came == http1.PIECE_BYTES


async def test_a_connection_is_asked_again() -> None:
    answers = (with_length(LARGE), with_length(b""), in_chunks(LARGE), with_length(b"last"))
    async with hosted(*answers) as address, connected(address) as connection:
        for expected in (LARGE, b"", LARGE, b"last"):
            await connection.ask(ASK)
            assert b"".join(await read(connection)) == expected
            assert connection.is_reusable


@asynccontextmanager
async def hosted(*answers: bytes) -> AsyncIterator[str]:
    """Answers the requests of each connection in turn with these."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    "answer",
    [to_the_end(b"x"), b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
     b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"],
)  # fmt: skip
async def test_a_connection_that_is_to_end_is_not_asked_again(answer: bytes) -> None:
    async with servers.serve_bytes(answer) as address, connected(address) as connection:
        await connection.ask(ASK)
        assert await read(connection) == [b"x"]
        assert not connection.is_reusable


async def test_a_body_that_was_not_read_to_its_end_keeps_its_connection_from_being_asked_again() -> None:
    async with servers.serve_bytes(with_length(LARGE)) as address, connected(address) as connection:
        await connection.ask(ASK)
        await connection.read()
        assert not connection.is_reusable


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with connected(f"http://127.0.0.1:{listener.getsockname()[1]}") as connection:
            other, _ = listener.accept()
            with other:
                other.sendall(with_length(b"early"))
                await connection.closed
            assert not connection.is_reusable
            with pytest.raises(http1.Broken, match="more came than was asked for"):
                await connection.ask(ASK)


async def test_what_came_before_a_break_is_given_before_it_is_told() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
    async with servers.serve_bytes(answer) as address, connected(address) as connection:
        await connection.ask(ASK)
        assert await connection.read() == b"short"
        with pytest.raises(http1.Broken, match="has ended"):
            await connection.read()


async def test_whoever_gives_up_waiting_loses_nothing() -> None:
    go_on = asyncio.Event()

    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(with_length(b"whole")[:-3])
        await go_on.wait()
        writer.write(b"ole")

    async with servers.serve_raw(respond) as address, connected(address) as connection:
        await connection.ask(ASK)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.read(), 0.01)
        go_on.set()
        assert await read(connection) == [b"whole"]


async def test_it_is_told_whether_a_host_said_anything_before_it_hung_up() -> None:
    for answer, is_silent in ((b"", True), (b"HTTP/1.1 2", False)):
        async with servers.serve_bytes(answer) as address, connected(address) as connection:
            with pytest.raises(http1.Broken):
                await connection.ask(ASK)
            assert connection.is_silent == is_silent


async def test_what_was_cut_off_here_does_not_pass_for_whole() -> None:
    async with (
        servers.serve_bytes(to_the_end(b"x"), then_hold=True) as address,
        connected(address) as connection,
    ):
        await connection.ask(ASK)
        assert await connection.read() == b"x"
        reading = asyncio.create_task(connection.read())
        await asyncio.sleep(0)
        connection.abort()
        with pytest.raises(http1.Broken, match="closed here"):
            await reading
