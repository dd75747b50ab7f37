"""Requests of the API and their answers, whole, by way of a proxy where the environment names one."""

import asyncio
import gzip

import pytest

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


async def test_what_the_url_escapes_goes_out_as_it_stands() -> None:
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(OK)

    async with servers.serve_raw(respond) as url:
        await got(url, "/a%2Fb%2e?x=%61+b")
    assert seen[0].startswith("GET /a%2Fb%2e?x=%61+b HTTP/1.1\r\n")
