import gzip
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration import blobs, errors, resumption
from tests.orchestration.hosts import ETAG, BreakingHost
from tests.orchestration.servers import serve_raw

CONTENT = random.Random(4).randbytes(300_000)  # noqa: S311 - no secret


@asynccontextmanager
async def client() -> AsyncIterator[blobs.BlobClient]:
    async with blobs.BlobClient(allow_private=True, connect=2, stall=0.3, pauses=(0, 0, 0)) as client:
        yield client


async def download(host: BreakingHost) -> bytes:
    async with serve_raw(host.respond) as address, client() as blob_client, blob_client.open(address) as content:
        return b"".join([chunk async for chunk in content.chunks])


@settings(max_examples=30)
@given(breaks=st.sets(st.integers(0, len(CONTENT)), max_size=3), chunked=st.booleans())
async def test_a_stream_that_breaks_anywhere_ends_in_the_same_bytes(breaks: set[int], chunked: bool) -> None:
    assert await download(BreakingHost(CONTENT, breaks, chunked=chunked)) == CONTENT


async def test_the_rest_alone_is_asked_for() -> None:
    host = BreakingHost(CONTENT, [100_000])
    await download(host)
    first, second = host.requests
    assert "Range" not in first
    assert "\r\nRange: bytes=100000-\r\n" in second
    assert '\r\nIf-Range: "v1"\r\n' in second
    assert all("\r\nAccept-Encoding: identity\r\n" in request for request in host.requests)


async def test_a_packed_content_is_resumed_packed() -> None:
    packed = gzip.compress(CONTENT)
    host = BreakingHost(packed, [1000, 200_000], headers=(ETAG, "Content-Encoding: gzip"))
    assert await download(host) == CONTENT


async def test_a_host_that_keeps_breaking_but_gets_on_is_borne_with() -> None:
    assert await download(BreakingHost(CONTENT, range(10_000, 300_000, 10_000))) == CONTENT


async def test_a_host_that_does_not_get_on_is_given_up() -> None:
    host = BreakingHost(CONTENT, range(1000, 1100, 10))
    with pytest.raises(errors.Truncated):
        await download(host)
    assert len(host.requests) == 4


@pytest.mark.parametrize("headers", [(), ('ETag: W/"v1"',), ("ETag: v1",), ("Last-Modified: Sun, 22 Nov 2026",)])
async def test_without_a_strong_etag_nothing_is_resumed(headers: tuple[str, ...]) -> None:
    host = BreakingHost(CONTENT, [1000], headers)
    with pytest.raises(errors.Truncated):
        await download(host)
    assert len(host.requests) == 1


REST = CONTENT[1000:]
RANGE = "Content-Range: bytes 1000-299999/300000"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (f"200 OK\r\n{ETAG}", CONTENT),
        ('200 OK\r\nETag: "v2"', CONTENT),
        (f"206 Partial\r\n{ETAG}", REST),
        (f"206 Partial\r\n{ETAG}\r\nContent-Range: bytes 999-299999/300000", CONTENT[999:]),
        (f"206 Partial\r\n{ETAG}\r\nContent-Range: bytes 1000-299998/300000", REST[:-1]),
        (f"206 Partial\r\n{ETAG}\r\nContent-Range: bytes 1000-300000/300001", REST + b"x"),
        (f"206 Partial\r\n{ETAG}\r\n{RANGE}", REST + b"x"),
        (f"206 Partial\r\n{ETAG}\r\n{RANGE}", REST[:-1]),
        (f"206 Partial\r\n{ETAG}\r\nContent-Range: pages 1000-299999/300000", REST),
        (f"206 Partial\r\n{ETAG}\r\nContent-Range: bytes 1000-{'9' * 30}/300000", REST),
        (f'206 Partial\r\nETag: "v2"\r\n{RANGE}', REST),
        (f'206 Partial\r\nETag: W/"v1"\r\n{RANGE}', REST),
        ("416 No\r\nContent-Range: bytes */1000", b""),
        ("416 No\r\nContent-Range: bytes */300000", b""),
        ("416 No", b""),
    ],
)
async def test_a_rest_that_does_not_fit_is_never_taken(lines: str, body: bytes) -> None:
    host = BreakingHost(CONTENT, [1000], rest=[(lines, body)])
    with pytest.raises(errors.Truncated):
        await download(host)
    assert len(host.requests) == 2


async def test_a_rest_whose_whole_is_not_told_fits_when_its_length_is_known() -> None:
    lines = f"206 Partial\r\n{ETAG}\r\nContent-Range: bytes 1000-299999/*"
    assert await download(BreakingHost(CONTENT, [1000], rest=[(lines, REST)])) == CONTENT
    with pytest.raises(errors.Truncated):
        await download(BreakingHost(CONTENT, [1000], chunked=True, rest=[(lines, REST)]))


async def test_the_end_is_known_by_a_416_when_no_length_was_promised() -> None:
    host = BreakingHost(CONTENT, [len(CONTENT)], chunked=True)
    assert await download(host) == CONTENT
    assert len(host.requests) == 2


async def test_a_server_s_error_in_between_is_tried_again() -> None:
    host = BreakingHost(CONTENT, [1000], rest=[("503 Busy", b""), ("500 Oh", b"")])
    assert await download(host) == CONTENT


@pytest.mark.parametrize(
    ("lines", "meaning", "requests"),
    [
        ("503 Busy", errors.ServerError, 4),
        ("429 Slow down\r\nRetry-After: 60", errors.RateLimited, 2),
        ("403 Expired", errors.UrlExpired, 2),
        ("404 None", errors.Transient, 2),
        ("302 There\r\nLocation: /v2/consumer/blobs/blocked/abc", errors.Withheld, 2),
    ],
)
async def test_what_the_host_says_of_the_rest_is_raised(
    lines: str, meaning: type[errors.OrchestrationError], requests: int
) -> None:
    host = BreakingHost(CONTENT, [1000], rest=[(lines, b"")] * 5)
    with pytest.raises(meaning) as raised:
        await download(host)
    assert type(raised.value) is meaning
    assert len(host.requests) == requests


async def test_a_url_that_expired_in_mid_stream_is_replaced_by_a_fresh_one() -> None:
    host = BreakingHost(CONTENT, [1000, 200_000], rest=[("403 Expired", b"")])
    asked = 0

    async with serve_raw(host.respond) as address, client() as blob_client:

        async def fresh_url() -> str:
            nonlocal asked
            asked += 1
            return f"{address}/fresh"

        async with blob_client.open(f"{address}/old", fresh_url) as content:
            assert b"".join([chunk async for chunk in content.chunks]) == CONTENT
    assert asked == 1
    assert [request.split()[1] for request in host.requests] == ["/old", "/old", "/fresh", "/fresh"]


async def rest_of(host: BreakingHost, begun: resumption.Begun) -> tuple[int, int | None, bytes]:
    async with serve_raw(host.respond) as address, client() as blobs_of, blobs_of.open(address, begun=begun) as content:
        return content.start, content.length, b"".join([chunk async for chunk in content.chunks])


async def test_what_was_begun_earlier_is_gone_on_with() -> None:
    host = BreakingHost(CONTENT, [200_000])
    assert await rest_of(host, resumption.Begun(1000, '"v1"', len(CONTENT))) == (1000, len(CONTENT), REST)
    assert "\r\nRange: bytes=1000-\r\n" in host.requests[0]
    assert '\r\nIf-Range: "v1"\r\n' in host.requests[0]


async def test_what_has_changed_since_is_had_whole() -> None:
    host = BreakingHost(CONTENT, [])
    assert await rest_of(host, resumption.Begun(1000, '"v0"')) == (0, len(CONTENT), CONTENT)
    host.rest = [(f"200 OK\r\n{ETAG}", CONTENT)]
    host.requests.append("an earlier one")
    asked = len(host.requests)
    assert await rest_of(host, resumption.Begun(1000, '"v0"')) == (0, len(CONTENT), CONTENT)
    assert len(host.requests) == asked + 1


@pytest.mark.parametrize(
    "begun", [resumption.Begun(1000, '"v1"', 299_999), resumption.Begun(300_000, '"v1"'), resumption.Begun(9, "v1")]
)
async def test_a_rest_that_does_not_fit_is_not_taken(begun: resumption.Begun) -> None:
    assert await rest_of(BreakingHost(CONTENT, []), begun) == (0, len(CONTENT), CONTENT)
