"""What the blob client refuses: where content may not come from, and how much of it."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator

import pytest

from orchestration import blobs, errors
from tests.orchestration.servers import CERTIFICATE, serve_bytes, serve_raw


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[blobs.BlobClient]:
    async with blobs.BlobClient(allow_private=True, max_bytes=2_000_000, connect=0.5, stall=0.3) as client:
        yield client


async def read(content: blobs.Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks])


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/x", "https://localhost:1/x", "https://169.254.169.254/latest/meta-data"]
)
async def test_only_public_hosts_are_asked_unless_told_otherwise(url: str) -> None:
    async with blobs.BlobClient() as client:
        with pytest.raises(errors.Forbidden):
            async with client.open(url):
                pass


@pytest.mark.parametrize("target", ["https://[::1]:{port}/x", "http://127.0.0.1:{port}/x", "//169.254.169.254/x"])
async def test_every_hop_of_a_redirect_is_checked(target: str) -> None:
    requests = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        requests.append(head)
        place = target.format(port=head.partition("127.0.0.1:")[2].split()[0])
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    tls = ssl.create_default_context(cafile=CERTIFICATE)
    strict = blobs.BlobClient(tls=tls, is_public=lambda address: address == "127.0.0.1")
    async with serve_raw(respond, tls=True) as host, strict as client:
        with pytest.raises(errors.Forbidden):
            async with client.open(host):
                pass
    assert len(requests) == 1


async def test_cookies_of_a_hop_are_not_sent_to_the_next(client: blobs.BlobClient) -> None:
    requests = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        requests.append(head)
        answer = "302 Found\r\nLocation: /next" if len(requests) < 3 else "200 OK"
        writer.write(f"HTTP/1.1 {answer}\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n".encode())

    async with serve_raw(respond) as host, client.open(host.replace("//", "//user:SECRET@")) as content:
        assert await read(content) == b""
    assert len(requests) == 3
    assert not any("cookie:" in head.lower() or "authorization:" in head.lower() for head in requests)


@pytest.mark.parametrize(
    "path", ["/v2/consumer/blobs/blocked/abc", "/v2/consumer/blobs/blocked/abc?sig=1", "/V2/Consumer/Blobs/Blocked/x",
             "/v2/consumer/blobs/%62locked/x", "/v2/consumer/blobs//blocked", "/proxy/v2/consumer/blobs/blocked/x"],
)  # fmt: skip
async def test_the_placeholder_of_withheld_content_is_never_content(client: blobs.BlobClient, path: str) -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 307 There\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n".encode())

    async with serve_raw(respond) as host:
        for url in (host, host + path):
            with pytest.raises(errors.Withheld) as raised:
                async with client.open(url):
                    pass
            assert not isinstance(raised.value, errors.Transient | errors.Permanent)


async def test_a_content_of_which_more_is_announced_than_we_take_is_not_begun(client: blobs.BlobClient) -> None:
    async with serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 2000001\r\n\r\n") as host:
        with pytest.raises(errors.TooLarge, match="2000001 bytes, at most 2000000 are taken"):
            async with client.open(host):
                pass


async def test_a_content_without_an_end_is_left_when_it_is_too_large(client: blobs.BlobClient) -> None:
    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(bytes(100_000))
            await writer.drain()

    async with serve_raw(respond) as host, client.open(host) as content:
        with pytest.raises(errors.TooLarge):
            await read(content)


async def test_a_bomb_is_left_when_it_is_too_large(client: blobs.BlobClient) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    async with serve_bytes(head.encode() + bomb) as host, client.open(host) as content:
        with pytest.raises(errors.TooLarge):
            await read(content)
