"""The proxy of the environment: who is asked by way of it, and how it is got through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from orchestration import connection, errors, exchange, proxies
from tests.orchestration import servers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without proxies, and with the certificate of our servers as one to be believed."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(servers.CERTIFICATE))
    return monkeypatch


@asynccontextmanager
async def relaying(to: str, heads: list[str]) -> AsyncIterator[str]:
    """A proxy that lets everybody through to one host, whichever they ask for."""
    host, _, port = to.rpartition("/")[2].rpartition(":")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        there, to_there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, to_there))
                group.create_task(_pass_on(there, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


async def got(base_url: str) -> bytes:
    link = exchange.Exchange(base_url, {"Authorization": "Bearer t"}, timeout=5, connect=5)
    try:
        return (await link.ask("GET", f"{base_url}/a", headers={}, body=None)).content
    finally:
        await link.aclose()


async def test_what_is_encrypted_goes_through_a_tunnel_whose_maker_sees_no_token(
    environment: pytest.MonkeyPatch,
) -> None:
    heads: list[str] = []
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(OK)

    async with servers.serve_raw(respond, tls=True) as api, relaying(api, heads) as proxy:
        environment.setenv("https_proxy", proxy.replace("http://", "http://me:p%40ss@"))
        with pytest.raises(exchange.Failed) as failure:
            await got("https://api.example")
        assert "certificate" in str(failure.value)
        link = connection.Connection("https://api.example", "t", timeout=5)
        with pytest.raises(errors.Unreachable, match="certificate"):
            await link.open(connection.Call("get blob", "GET", "/a"))
        await link.aclose()
        assert await got(api.replace("127.0.0.1", "localhost.")) == b"{}"  # without the dot it would be asked directly
    for head in heads[:2]:
        assert head.startswith("CONNECT api.example:443 HTTP/1.1\r\n")
        assert "proxy-authorization: Basic bWU6cEBzcw==\r\n" in head
    assert "Bearer" not in "".join(heads)
    assert "\r\nAuthorization: Bearer t\r\n" in seen[0]
    assert "proxy-authorization" not in seen[0].lower()


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "the proxy answers 407"), (b"", "the proxy hangs up")],
)
async def test_a_proxy_that_lets_nobody_through_is_named_as_the_reason(
    environment: pytest.MonkeyPatch, answer: bytes, why: str
) -> None:
    async with servers.serve_bytes(answer) as proxy:
        environment.setenv("https_proxy", proxy)
        with pytest.raises(exchange.Failed) as failure:
            await got("https://api.example")
    assert str(failure.value) == why


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("socks5://me:SECRET@127.0.0.1:1", "does not begin with http://"),
        ("https://me:SECRET@127.0.0.1:1", "does not begin with http://"),
        ("http://me:SECRET/more@127.0.0.1:1", "cannot be read"),
        ("http://me:SECRET@127.0.0.1:99999", "cannot be read"),
        ("http://me:SECRET@[127.0.0.1:1", "cannot be read"),
    ],
)
async def test_a_proxy_that_we_cannot_speak_with_is_told_without_its_password_whatever_is_asked(
    environment: pytest.MonkeyPatch, named: str, why: str
) -> None:
    environment.setenv("https_proxy", named)
    call = connection.Call("get", "GET", "/a")
    link = connection.Connection("https://api.example", "t", timeout=5)
    for ask in (link.ask, link.open, link.relay):
        with pytest.raises(errors.Unreachable) as failure:
            await ask(call)
        assert why in str(failure.value)
        assert "SECRET" not in str(failure.value)
    await link.aclose()
    assert "SECRET" not in repr(proxies.named_for("https://api.example"))


async def test_content_comes_by_way_of_the_same_proxy_and_from_this_machine_directly(
    environment: pytest.MonkeyPatch,
) -> None:
    heads: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        heads.append(head.lower())
        writer.write(OK)

    async with servers.serve_raw(respond) as server:
        environment.setenv("http_proxy", server.replace("http://", "http://me:p%40ss@"))
        for host in ("http://api.example", server):
            link = connection.Connection(host, "t", timeout=5)
            response = await link.open(connection.Call("get blob", "GET", "/a"))
            assert await response.aread() == b"{}"
            await response.aclose()
            await link.aclose()
    by_proxy, direct = heads
    assert by_proxy.startswith("get http://api.example/a http/1.1\r\n")
    assert "proxy-authorization: basic bwu6cebzcw==\r\n" in by_proxy
    assert direct.startswith("get /a http/1.1\r\n")
    assert "proxy-authorization" not in direct


def test_a_proxy_may_be_named_without_its_scheme(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("all_proxy", "proxy.example:3128")
    proxy = proxies.named_for("https://api.example")
    assert proxy is not None
    assert proxy.address == ("proxy.example", 3128)


@pytest.mark.parametrize(("login", "encoded"), [("me@", "bWU6"), ("me:@", "bWU6"), ("m%40e:p:q%2F@", "bUBlOnA6cS8=")])
def test_a_proxy_may_want_to_know_a_user_with_a_password_or_without(
    environment: pytest.MonkeyPatch, login: str, encoded: str
) -> None:
    environment.setenv("https_proxy", f"http://{login}proxy.example:3128")
    proxy = proxies.named_for("https://api.example")
    assert proxy is not None
    assert (proxy.address, proxy.headers) == (("proxy.example", 3128), {"proxy-authorization": f"Basic {encoded}"})
