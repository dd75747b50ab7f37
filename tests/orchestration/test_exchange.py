"""Requests of the API and their answers, whole, by way of a proxy where the environment names one."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator

import pytest

from orchestration import exchange
from orchestration.exchange import Exchange, Failed
from tests.orchestration import servers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def got(base_url: str, path: str = "/a") -> bytes:
    link = Exchange(base_url, {"Authorization": "Bearer t"}, timeout=5, connect=5)
    try:
        return (await link.ask("GET", base_url + path, headers={}, body=None)).content
    finally:
        await link.aclose()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_the_api_is_asked_through_the_proxy_that_the_environment_names(
    no_proxies: pytest.MonkeyPatch, variable: str
) -> None:
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(OK)

    async with servers.serve_raw(respond) as proxy:
        no_proxies.setenv(variable.lower(), proxy)
        assert await got("http://api.example") == b"{}"
        assert seen[0].startswith("GET http://api.example/a HTTP/1.1\r\n")
        no_proxies.setenv("no_proxy", "api.example")
        with pytest.raises(Failed):
            await got("http://api.example")
        assert len(seen) == 1


async def test_what_runs_on_this_machine_is_asked_directly(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("http_proxy", "http://127.0.0.1:1")
    async with servers.serve_bytes(OK) as url:
        assert await got(url) == b"{}"


async def test_an_answer_that_came_compressed_is_read() -> None:
    body = gzip.compress(b'{"id": "w"}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    async with servers.serve_bytes(head.encode() + body) as url:
        assert await got(url) == b'{"id": "w"}'


@contextlib.asynccontextmanager
async def noting() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that finds everything well: its address, and the heads of what it was asked."""
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(OK)

    async with servers.serve_raw(respond) as url:
        yield url, seen


async def test_what_the_url_escapes_goes_out_as_it_stands() -> None:
    async with noting() as (url, seen):
        await got(url, "/a%2Fb%2e?x=%61+b")
    assert seen[0].startswith("GET /a%2Fb%2e?x=%61+b HTTP/1.1\r\n")


async def test_a_server_is_told_how_long_the_content_is_of_what_has_none_but_could_have_some() -> None:
    async with noting() as (url, seen):
        for method in ("POST", "PUT", "PATCH", "GET", "DELETE"):
            link = Exchange(url, {}, timeout=5, connect=5)
            await link.ask(method, f"{url}/", headers={}, body=None)
            await link.aclose()
    assert ["Content-Length: 0" in head for head in seen] == [True, True, True, False, False]


async def test_an_answer_without_content_is_whole_however_it_is_said_to_be_encoded() -> None:
    for status in (b"204 No Content\r\n", b"200 OK\r\nContent-Length: 0\r\n"):
        async with servers.serve_bytes(b"HTTP/1.1 " + status + b"Content-Encoding: gzip\r\n\r\n") as url:
            assert await got(url) == b""


async def test_what_may_do_something_twice_is_not_sent_again_on_another_connection() -> None:
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head.split(" ")[0])
        if len(seen) != 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.transport.abort()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await respond(head.decode(), writer)
            if writer.is_closing():
                break

    for method, times in (("POST", 2), ("PUT", 3)):
        seen.clear()
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        link = Exchange(url, {}, timeout=5, connect=5)
        await link.ask(method, f"{url}/", headers={}, body=b"")
        with contextlib.suppress(Failed):
            await link.ask(method, f"{url}/", headers={}, body=b"")
        assert seen == [method] * times
        await link.aclose()
        server.close()
        await server.wait_closed()


async def test_an_answer_that_is_too_long_or_oddly_encoded_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_BYTES", 1)
    brotli = OK.replace(b"OK\r\n", b"OK\r\nContent-Encoding: br\r\n")
    expected = ((OK, "the answer has more than 1 bytes"), (brotli, "it is encoded as br, which nobody asked for"))
    for answer, why in expected:
        async with servers.serve_bytes(answer) as url:
            with pytest.raises(Failed) as failure:
                await got(url)
            assert str(failure.value) == why


async def test_nothing_that_is_asked_for_holds_a_line_of_its_own() -> None:
    async with servers.serve_bytes(OK) as url:
        link = Exchange(url, {}, timeout=5, connect=5)
        with pytest.raises(Failed):
            await link.ask("GET", f"{url}/a HTTP/1.1\r\nx: y", headers={}, body=None)
        with pytest.raises(Failed):
            await link.ask("GET", f"{url}/a", headers={"a": "b\nc: d"}, body=None)
        await link.aclose()


async def test_no_other_host_is_asked() -> None:
    async with servers.serve_bytes(OK) as url:
        link = Exchange(f"{url}/api", {"Authorization": "Bearer t"}, timeout=5, connect=5)
        for other in (f"{url}.example/a", url.replace("http://", "http://a@"), "https://other.example/"):
            with pytest.raises(Failed, match="not of this host"):
                await link.ask("GET", other, headers={}, body=None)
        await link.aclose()
