"""Blob content as a stream, from whatever host a signed URL names.

The client here holds no token and takes none: what it sends is the same for every host in the world. Every
request that it makes, first or redirected, goes through `BlobClient._hop`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import httpx

from orchestration import errors, retry, wire

CONNECT = 10.0  # seconds to get a connection
STALL = 30.0  # seconds without a byte until a stream counts as broken; a whole download may take any time
REDIRECTS = 5  # hops after the first address

# The machine's own addresses are never asked for through a proxy, whatever the environment names.
DIRECT: dict[str, httpx.AsyncBaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://[::1]": None,
    "all://localhost": None,
}


@dataclass(frozen=True)
class Content:
    """Content that is being received.

    url: where it comes from, without its query.
    media_type: in lower case, without parameters; as claimed, like the length.
    length: bytes that `chunks` will yield, when the host says so.
    chunks: the bytes, once. Raises Truncated when they are not as many as promised or stop coming.
    """

    url: str
    status: int
    media_type: str | None
    length: int | None
    chunks: AsyncIterator[bytes] = field(repr=False)


class BlobClient:
    """Downloads from signed URLs. Open it with `async with`; one for a process is enough."""

    def __init__(self, *, connect: float = CONNECT, stall: float = STALL) -> None:
        """Take the time-outs, in seconds; how many downloads run at once is the caller's affair."""
        self._http = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(stall, connect=connect, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            mounts=DIRECT,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Content]:
        """Ask for the content behind this address, following redirects.

        Raises of the Transient tree only: UrlExpired (401, 403, 410), RateLimited, ServerError, Unreachable,
        and Transient itself for any other answer than 200.
        """
        response = await self._follow(url)
        try:
            yield content(response)
        finally:
            await response.aclose()

    async def _follow(self, url: str) -> httpx.Response:
        address = url
        for _ in range(1 + REDIRECTS):
            response = await self._hop(address)
            if response.status_code == 200:
                return response
            await response.aclose()
            if response.next_request is None:
                raise _refused(response)
            address = str(response.next_request.url)
        raise errors.Unreachable(call="download", url=url, detail=f"more than {REDIRECTS} redirects")

    async def _hop(self, url: str) -> httpx.Response:
        if not wire.is_url(url):
            raise errors.Unreachable(call="download", url=url, detail="this is not an http(s) address")
        try:
            return await self._http.send(self._http.build_request("GET", url), stream=True)
        except (httpx.RequestError, httpx.InvalidURL, ValueError) as error:
            raise errors.Unreachable(call="download", url=url, detail=cause(error)) from error


def content(response: httpx.Response) -> Content:
    """Present an answer whose body has not been read yet; whoever opened the answer closes it."""
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    return Content(
        url=errors.without_secrets(str(response.url)),
        status=response.status_code,
        media_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None,
        length=None if encoded else _promised(response),
        chunks=_chunks(response),
    )


def cause(error: Exception) -> str:
    """Say in words what httpx tells in types: its time-outs carry no message."""
    return str(error) or {
        httpx.ConnectTimeout: "no connection in time",
        httpx.ReadTimeout: "no answer in time",
        TimeoutError: "no answer in time",
    }.get(type(error), type(error).__name__)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    url = str(response.url)
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except httpx.RequestError as error:
        raise errors.Truncated(call="download", url=url, detail=cause(error)) from error
    promised, came = _promised(response), response.num_bytes_downloaded
    if promised is not None and came != promised:
        raise errors.Truncated(call="download", url=url, detail=f"{came} bytes of {promised} came")


def _promised(response: httpx.Response) -> int | None:
    """The body's length on the wire; with `Transfer-Encoding` the header has no meaning."""
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _refused(response: httpx.Response) -> errors.Transient:
    """What a storage host's answer means: only Civitai's API can say that a blob is gone."""
    status, url = response.status_code, str(response.url)
    if status in (401, 403, 410):
        return errors.UrlExpired(call="download", url=url, status=status)
    wait = retry.retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    if status == 429:
        return errors.RateLimited(call="download", url=url, status=status, retry_after=wait)
    if errors.is_server_error(status):
        return errors.ServerError(call="download", url=url, status=status, retry_after=wait)
    return errors.Transient(call="download", url=url, status=status, retry_after=wait)
