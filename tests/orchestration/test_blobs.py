import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestration import blobs, errors
from tests.orchestration.servers import serve, serve_bytes, serve_raw

CONTENT = b"0123456789" * 50_000


async def whole(_: Request) -> Response:
    return Response(CONTENT, media_type="image/PNG; charset=x")


async def without_length(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 70_000):
            yield CONTENT[start : start + 70_000]

    return StreamingResponse(parts())


async def zipped(_: Request) -> Response:
    return Response(gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"})


async def hop(request: Request) -> Response:
    left = int(request.path_params["left"])
    return RedirectResponse(f"/hop/{left - 1}?sig=SECRET" if left else "/whole", 308)


async def status(request: Request) -> Response:
    return PlainTextResponse("no", int(request.path_params["status"]), headers={"Retry-After": "9"})


async def nowhere(_: Request) -> Response:
    return Response(status_code=302, headers={"Location": "https://[bad"})


async def headers(request: Request) -> Response:
    return PlainTextResponse(" ".join(sorted(request.headers)))


@pytest.fixture
async def host() -> AsyncIterator[str]:
    routes = [
        Route("/whole", whole),
        Route("/without-length", without_length),
        Route("/zipped", zipped),
        Route("/hop/{left}", hop),
        Route("/status/{status}", status),
        Route("/nowhere", nowhere),
        Route("/headers", headers),
    ]
    async with serve(Starlette(routes=routes)) as address:
        yield address


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[blobs.BlobClient]:
    async with blobs.BlobClient(
        allow_private=True, max_bytes=2_000_000, connect=0.5, stall=0.3, pauses=(0, 0)
    ) as client:
        yield client


async def read(content: blobs.Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks])


async def test_content_comes_as_a_stream_with_what_is_claimed_of_it(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/whole?sig=SECRET") as content:
        assert (content.status, content.media_type, content.length) == (200, "image/png", len(CONTENT))
        assert content.url == f"{host}/whole"
        assert "SECRET" not in repr(content)
        assert await read(content) == CONTENT


async def test_a_length_is_not_needed(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/without-length") as content:
        assert (content.length, content.media_type) == (None, None)
        assert await read(content) == CONTENT


async def test_an_encoding_that_nobody_asked_for_is_undone(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/zipped") as content:
        assert content.length is None
        assert await read(content) == CONTENT


async def test_five_redirects_are_followed_and_no_more(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/hop/4") as content:
        assert content.url == f"{host}/whole"
        assert await read(content) == CONTENT
    with pytest.raises(errors.Unreachable, match="more than 5 redirects"):
        async with client.open(f"{host}/hop/5"):
            pass


async def test_chunks_are_large_however_the_content_comes(client: blobs.BlobClient) -> None:
    many = CONTENT * 3

    async def respond(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(many)}\r\n\r\n".encode())
        for start in range(0, len(many), 1000):
            writer.write(many[start : start + 1000])
            await writer.drain()

    async with serve_raw(respond) as host, client.open(host) as content:
        chunks = [chunk async for chunk in content.chunks]
    assert b"".join(chunks) == many
    assert 1 < len(chunks) <= len(many) // blobs.CHUNK_BYTES + 1


async def test_no_credentials_are_sent(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/headers") as content:
        assert await read(content) == b"accept accept-encoding host user-agent"


@pytest.mark.parametrize(
    ("status", "meaning", "wait"),
    [
        (401, errors.UrlExpired, None),
        (403, errors.UrlExpired, None),
        (410, errors.UrlExpired, None),
        (429, errors.RateLimited, 9),
        (408, errors.ServerError, 9),
        (503, errors.ServerError, 9),
        (404, errors.Transient, 9),
        (400, errors.Transient, 9),
        (204, errors.Transient, 9),
        (206, errors.Transient, 9),
    ],
)
async def test_no_answer_of_a_storage_host_is_final(
    client: blobs.BlobClient, host: str, status: int, meaning: type[errors.Transient], wait: float | None
) -> None:
    with pytest.raises(errors.Transient) as raised:
        async with client.open(f"{host}/status/{status}?sig=SECRET"):
            pass
    assert type(raised.value) is meaning
    assert (raised.value.status, raised.value.retry_after) == (status, wait)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b"Content-Length: 100\r\n\r\nshort", b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"]
)
async def test_a_body_that_ends_too_early_is_truncated(client: blobs.BlobClient, body: bytes) -> None:
    async with serve_bytes(b"HTTP/1.1 200 OK\r\n" + body) as host, client.open(host) as content:
        with pytest.raises(errors.Truncated):
            await read(content)


async def test_a_body_that_stops_coming_is_truncated(client: blobs.BlobClient) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
    async with serve_bytes(answer, then_hold=True) as host, client.open(host) as content:
        with pytest.raises(errors.Truncated, match=r"only 5 bytes came in 0\.3 seconds"):
            await read(content)


async def test_more_bytes_than_promised_are_never_read(client: blobs.BlobClient) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and more"
    async with serve_bytes(answer) as host:
        with pytest.raises(errors.Unreachable):
            async with client.open(host):
                pass


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n"])
async def test_a_host_that_speaks_no_http_is_unreachable(client: blobs.BlobClient, answer: bytes) -> None:
    async with serve_bytes(answer) as host:
        with pytest.raises(errors.Unreachable):
            async with client.open(host):
                pass


@pytest.mark.parametrize(
    "url",
    ["", "/v2/x", "ftp://127.0.0.1/x", "http://", "http://127.0.0.1:1/x", "http://[::", "http://127.0.0.1:99999/",
     "http://127.0.0.1/\ud800", "http://a b/", "data:image/png;base64,AA=="],
)  # fmt: skip
async def test_an_address_that_leads_nowhere_is_unreachable(client: blobs.BlobClient, url: str) -> None:
    with pytest.raises(errors.Unreachable):
        async with client.open(url):
            pass


async def test_a_redirect_that_leads_nowhere_is_unreachable(client: blobs.BlobClient, host: str) -> None:
    with pytest.raises(errors.Unreachable):
        async with client.open(f"{host}/nowhere"):
            pass


async def test_a_host_that_does_not_answer_is_given_up(client: blobs.BlobClient) -> None:
    async with serve_bytes(b"", then_hold=True) as host:
        with pytest.raises(errors.Unreachable, match="no answer in time"):
            async with client.open(host):
                pass


async def test_leaving_early_is_no_error(client: blobs.BlobClient, host: str) -> None:
    async with client.open(f"{host}/whole") as content:
        async for _ in content.chunks:
            break
    async with client.open(f"{host}/whole") as content:
        assert len(await read(content)) == len(CONTENT)


async def test_a_url_that_has_expired_is_replaced_by_a_fresh_one_once(client: blobs.BlobClient, host: str) -> None:
    async def fresh_url() -> str:
        return f"{host}/whole"

    async with client.open(f"{host}/status/403", fresh_url) as content:
        assert await read(content) == CONTENT

    async def stale_url() -> str:
        return f"{host}/status/403"

    with pytest.raises(errors.UrlExpired):
        async with client.open(f"{host}/status/403", stale_url):
            pass
