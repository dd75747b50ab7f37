import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from orchestration import addresses, errors, transport
from tests.orchestration import servers

STALL = 0.3


@asynccontextmanager
async def opened(*, allow_private: bool = True, connect: float = 2) -> AsyncIterator[transport.Transport]:
    made = transport.Transport(
        allow_private=allow_private, is_public=addresses.is_public, tls=None, connect=connect, stall=STALL
    )
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture(scope="module")
async def anywhere() -> AsyncIterator[transport.Transport]:
    async with opened() as made:
        yield made


@pytest.fixture(scope="module")
async def public() -> AsyncIterator[transport.Transport]:
    async with opened(allow_private=False) as made:
        yield made


async def echo(request: Request) -> Response:
    told = f"{request.client.port if request.client else None} {request.url.path} {request.headers.raw}"
    return PlainTextResponse(told, headers={"Set-Cookie": "a=b; Path=/"})


@pytest.fixture
async def host() -> AsyncIterator[str]:
    async with servers.serve(Starlette(routes=[Route("/{path:path}", echo)])) as address:
        yield address


async def read(asked: transport.Transport, url: str) -> bytes:
    answer = await asked.get(url, {})
    try:
        return b"".join([chunk async for chunk in answer.chunks()])
    finally:
        answer.close()


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
     "[::]", "0.0.0.1", "0x7f.1", "0x7f000001", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
     "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "10.0.0.1", "192.168.0.1", "user:secret@127.0.0.1"],
)  # fmt: skip
async def test_what_is_not_public_is_never_connected_to(public: transport.Transport, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(errors.Forbidden, match="private, local or reserved"):
            await public.get(f"https://{name}:{listener.getsockname()[1]}/x?sig=SECRET", {})
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("name", ["127.1", "2130706433", "017700000001", "0", "localhost.", "①②⑦.0.0.1"])
async def test_an_address_in_an_odd_spelling_is_never_connected_to(public: transport.Transport, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises((errors.Forbidden, errors.Unreachable)):
            await public.get(f"https://{name}:{listener.getsockname()[1]}/x", {})
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_a_name_server_that_changes_its_answer_gets_nobody_in(
    public: transport.Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["192.0.2.1", "10.0.0.1"], ["127.0.0.1"], ["::1", "169.254.169.254"]])

    def lie(*_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
            for address in next(answers)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lie)
    for name in ("a.example", "b.example", "c.example"):
        with pytest.raises(errors.Forbidden):
            await public.get(f"https://{name}/", {})


async def test_plain_http_is_refused(public: transport.Transport) -> None:
    with pytest.raises(errors.Forbidden, match="not https"):
        await public.get("http://1.1.1.1/", {})


async def test_a_certificate_must_be_that_of_a_known_authority(anywhere: transport.Transport) -> None:
    async with servers.serve_raw(_empty, tls=True) as address:
        with pytest.raises(errors.Unreachable, match="certificate"):
            await anywhere.get(address, {})


async def _empty(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def test_the_environment_s_proxies_and_passwords_are_not_used(
    anywhere: transport.Transport, host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password SECRET\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    told = await read(anywhere, f"{host}/x")
    assert b"authorization" not in told.lower()


async def test_neither_cookies_nor_a_url_s_password_are_sent(anywhere: transport.Transport, host: str) -> None:
    first, second = [await read(anywhere, host.replace("//", "//user:SECRET@") + "/x") for _ in range(2)]
    assert b"cookie" not in second
    assert b"authorization" not in second
    assert b"SECRET" not in second
    assert first == second, "the connection is used again"


@pytest.mark.parametrize("path", ["/a%2Fb+c%7e~/%41", "/x?sig=a%2Bb+c/d=&e=%20", "/a//b/../c?x=(1)!*'", "/x?a=%E2%82"])
async def test_a_url_is_sent_as_it_was_signed(anywhere: transport.Transport, path: str) -> None:
    heads = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        await _empty(head, writer)

    async with servers.serve_raw(respond) as address:
        await read(anywhere, address + path + "#fragment")
    assert heads[0].startswith(f"GET {path} HTTP/1.1\r\n")


async def test_letters_beyond_ascii_are_sent_escaped(anywhere: transport.Transport, host: str) -> None:
    assert "/é ".encode() in await read(anywhere, f"{host}/é")


@pytest.mark.parametrize(
    "headers",
    [b"X: y\r\n" * 200, b"X: " + b"y" * 10_000 + b"\r\n", b"X" * 10_000 + b": y\r\n", b"X: y\r\n" * 1_000_000],
)
async def test_a_flood_of_headers_is_not_taken(anywhere: transport.Transport, headers: bytes) -> None:
    async with servers.serve_bytes(b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n") as address:
        with pytest.raises(errors.Unreachable):
            await anywhere.get(address, {})


async def test_headers_that_drip_for_ever_are_given_up() -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        await drip(writer)

    async with servers.serve_raw(respond) as address, opened(connect=0.1) as impatient:
        with pytest.raises(errors.Unreachable, match="no answer in time"):
            await impatient.get(address, {})


async def drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def test_a_slow_drip_is_no_progress(anywhere: transport.Transport) -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        await drip(writer)

    began = time.monotonic()
    async with servers.serve_raw(respond) as address:
        with pytest.raises(errors.Truncated, match=r"only \d+ bytes came in 0.3 seconds"):
            await read(anywhere, address)
    assert time.monotonic() - began < 30


async def test_a_slow_but_steady_stream_is_borne_with(anywhere: transport.Transport) -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
        for piece in [b"x" * 500] * 8:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.1)

    async with servers.serve_raw(respond) as address:
        assert len(await read(anywhere, address)) == 4000


async def test_a_slow_reader_is_not_the_host_s_fault(anywhere: transport.Transport) -> None:
    async with servers.serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000)) as address:
        answer = await anywhere.get(address, {})
        came = 0
        async for chunk in answer.chunks():
            if not came:
                await asyncio.sleep(2 * STALL)
            came += len(chunk)
        answer.close()
    assert came == 3_000_000


async def test_http_1_0_ends_with_its_connection(anywhere: transport.Transport) -> None:
    async with servers.serve_bytes(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000) as address:
        assert await read(anywhere, address) == b"x" * 100_000
