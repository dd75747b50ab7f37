"""Bad input on raw sockets: everything ends in an answer or a closed connection, in time, and the receiver stays up."""

import asyncio
import contextlib
import gzip
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from uvicorn.config import HTTPProtocolType

from archive import settings
from cli import request_heads
from receiver import callbacks, metrics
from receiver.app import create_app
from tests import serving
from tests.archive.factories import rows, workflow_event
from tests.conftest import SECRET

EVENT = json.dumps(workflow_event("wf", "processing")).encode()
HEAD = f"POST /callbacks?token={SECRET} HTTP/1.1\r\nHost: x\r\n".encode()
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(EVENT) + EVENT


@pytest.fixture
async def receiver(config: settings.Settings, engine: AsyncEngine) -> AsyncIterator[str]:
    """A receiver behind the connections that the command uses."""
    del engine
    async with serving.app(create_app(config), http=request_heads.Connection) as url:
        yield url


async def speak(url: str, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that comes back until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    reading = asyncio.create_task(reader.read())
    try:
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    if reading.done():  # it has closed; one more part would have the kernel drop its answer
                        break
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(pause)
            return await reading
    except ConnectionError:
        return b""
    finally:
        writer.close()


def turned_away(reason: str) -> float:
    """How many requests have been, for this reason."""
    return metrics.REGISTRY.get_sample_value("civitai_archive_refused_total", {"reason": reason}) or 0.0


async def is_well(url: str) -> bool:
    """The receiver still does its work."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        return (await http.post(f"/callbacks?token={SECRET}", content=EVENT)).status_code == 202


@pytest.mark.parametrize("part", [b"", b"POST /callb", HEAD, HEAD + b"X: y"])
async def test_a_head_that_does_not_come_whole_in_time_ends_the_connection(
    receiver: str, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    monkeypatch.setattr(request_heads, "HEAD_SECONDS", 0.2)
    async with asyncio.timeout(10):
        assert await speak(receiver, part) == b""
        assert (await speak(receiver, WHOLE + part)).startswith(b"HTTP/1.1 202 ")
    assert await is_well(receiver)


@pytest.mark.parametrize(
    "request_line", [b"GET /health", b"POST /health", b"POST /nowhere", b"POST /callbacks?token=a-wrong-one"]
)
@pytest.mark.parametrize("body", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nff\r\nx"])
async def test_a_body_that_nobody_reads_does_not_hold_a_connection(
    receiver: str, request_line: bytes, body: bytes
) -> None:
    async with asyncio.timeout(10):
        answer = await speak(receiver, request_line + b" HTTP/1.1\r\nHost: x\r\n" + body, b"x", pause=0.1)
    assert answer.startswith(b"HTTP/1.1 ")
    assert await is_well(receiver)


@pytest.mark.parametrize(
    "flood",
    [
        b"X-Header: value\r\n" * 100_000,
        b"X: " + b"y" * 2_000_000,
        b"X" * 2_000_000 + b": y",
        b": \r\n" * 100_000,
    ],
)
async def test_headers_without_end_are_cut_off(receiver: str, flood: bytes) -> None:
    answer = await speak(receiver, HEAD, *(flood[start : start + 10_000] for start in range(0, len(flood), 10_000)))
    assert answer == b"" or answer.split()[1] in (b"400", b"431")
    assert await is_well(receiver)


async def test_an_address_without_end_is_cut_off(receiver: str) -> None:
    assert (await speak(receiver, b"POST /callbacks?token=", *[b"x" * 10_000] * 100)) in (b"", request_heads.TOO_LARGE)
    assert await is_well(receiver)


async def test_a_thousand_small_headers_are_no_fault(receiver: str) -> None:
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(1000))
    length = b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(EVENT)
    assert (await speak(receiver, HEAD + headers + length + EVENT)).startswith(b"HTTP/1.1 202 ")


async def test_a_body_that_comes_too_slowly_is_turned_away(receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "BODY_SECONDS", 0.3)
    for head in (b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
        chunk = b" " if b"Length" in head else b"1\r\n \r\n"
        before = turned_away("too slow")
        answer = await speak(receiver, HEAD + head, *[chunk] * 8, pause=0.1)
        # Where the last part crossed the answer on its way, the kernel may have dropped that.
        assert answer.startswith(b"HTTP/1.1 408 ") or answer == b""
        assert turned_away("too slow") == before + 1
    assert await is_well(receiver)


async def test_chunks_without_end_are_cut_off_at_the_cap(receiver: str) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunks = [chunk] * ((callbacks.BODY_BYTES_AT_MOST >> 16) + 100)
    answer = await speak(receiver, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert await is_well(receiver)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where there is none
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /callbacks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /callbacks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /callbacks HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 50_000,
        bytes(range(256)) * 40,
    ],
)
async def test_garbage_is_refused_alone_and_behind_a_good_request(receiver: str, garbage: bytes) -> None:
    close = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    alone = await speak(receiver, garbage + close)
    assert b"HTTP/1.1 5" not in alone
    behind = await speak(receiver, WHOLE + garbage + close)
    assert behind.startswith(b"HTTP/1.1 202 ") or behind.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 5" not in behind
    assert await is_well(receiver)


async def test_pipelined_requests_are_each_answered(receiver: str, engine: AsyncEngine) -> None:
    close = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = await speak(receiver, WHOLE * 20 + close)
    assert answers.count(b"HTTP/1.1 202 ") == 20
    assert answers.count(b"HTTP/1.1 200 ") == 1
    assert await rows(engine, "SELECT deliveries FROM events") == [(20,)]


@pytest.mark.parametrize("http", [request_heads.Connection, "httptools"])
async def test_a_callback_that_asks_for_another_protocol_too_is_not_acknowledged_without_its_body(
    config: settings.Settings, engine: AsyncEngine, http: type[asyncio.Protocol] | HTTPProtocolType
) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with serving.app(create_app(config), http=http) as url:
        answer = await speak(url, HEAD + upgrade + WHOLE.removeprefix(HEAD))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert await rows(engine, "SELECT reason FROM quarantine") == []
        assert await is_well(url)


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress])
async def test_compressed_bodies_are_never_unpacked_bombs_included(
    receiver: str, engine: AsyncEngine, squeeze: Callable[[bytes], bytes]
) -> None:
    bomb = squeeze(b'{"workflowId":"' + b"x" * (50 << 20) + b'"}')
    async with httpx.AsyncClient(base_url=receiver, timeout=60) as http:
        for body in (bomb, squeeze(EVENT)):
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            answer = await http.post(f"/callbacks?token={SECRET}", content=body, headers=headers)
            assert (answer.status_code, answer.json()) == (202, {"status": "quarantined"})
    assert len(await rows(engine, "SELECT 1 FROM quarantine")) == 2


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-16", "\x80"],
)
async def test_the_content_type_does_not_matter(receiver: str, engine: AsyncEngine, content_type: str) -> None:
    async with httpx.AsyncClient(base_url=receiver, timeout=60) as http:
        headers = [(b"Content-Type", content_type.encode("latin-1"))]
        answer = await http.post(f"/callbacks?token={SECRET}", content=EVENT, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert await rows(engine, "SELECT body FROM events") == [(EVENT,)]


async def test_any_bytes_on_a_socket_leave_the_receiver_well(receiver: str) -> None:
    dice = random.Random(7)  # noqa: S311 - seeded, so that a failure can be repeated
    pieces = [
        WHOLE,
        HEAD,
        b"Content-Length: 3\r\n",
        b"\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"0\r\n\r\n",
        EVENT,
    ]

    async def one() -> None:
        parts = [dice.choice([*pieces, dice.randbytes(dice.randrange(300))]) for _ in range(dice.randrange(1, 6))]
        host, port = receiver.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"".join(parts))
        writer.write_eof()
        answer = await reader.read(100_000)
        writer.close()
        assert b"HTTP/1.1 5" not in answer

    async with asyncio.timeout(60):
        for _ in range(20):
            await asyncio.gather(*(one() for _ in range(10)))
    assert await is_well(receiver)


async def test_large_bodies_wait_for_their_turn_and_small_ones_do_not(
    receiver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "BODY_SECONDS", 3.0)
    half = HEAD + b"Content-Length: 400000\r\n\r\n" + b" " * 300_000
    host, port = receiver.removeprefix("http://").split(":")
    writers = []
    for _ in range(callbacks.LARGE_BODIES + 2):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(half)
        await writer.drain()
        writers.append(writer)
    assert await is_well(receiver)
    for writer in writers:
        writer.close()
    large = HEAD + b"Connection: close\r\nContent-Length: 400000\r\n\r\n" + b" " * 400_000
    answers = await asyncio.gather(*(speak(receiver, large) for _ in range(30)))
    assert all(answer.startswith(b"HTTP/1.1 202 ") for answer in answers)
