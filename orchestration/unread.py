"""A request of the API and its answer while it comes, over httpx: content, and whatever is passed on to somebody else.

What reads answers whole (`exchange`) needs nothing of this, and does without the time that importing httpx takes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx

from orchestration import authorities, blobs, errors, exchange, proxies


class Asking:
    """One host, and the same headers with every request. Whoever made it closes it."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, timeout: float, connect: float) -> None:
        """Take what all URLs begin with, what all requests have, and the seconds for an answer to begin, and for its
        connection. Raises `exchange.Failed` when the environment names a proxy or certificates that are none.
        """
        self._timeout = timeout
        try:
            self._http = httpx.AsyncClient(
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=connect),
                proxy=_proxy(proxies.named_for(base_url)),
                trust_env=False,
                follow_redirects=False,
                verify=authorities.context(),
            )
        except OSError as error:
            raise exchange.Failed(str(error)) from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, stall: float | None = None
    ) -> httpx.Response:
        """Ask once, following nothing, and give the answer unread. Whoever asked closes it.

        stall: seconds for each piece of its body, where a whole try's are too many. Raises `exchange.Failed`, and
        `httpx.InvalidURL` for a URL that is too long.
        """
        request = self._http.build_request(method, url, content=body, headers=headers)
        if stall is not None:
            request.extensions["timeout"]["read"] = stall
        try:
            async with asyncio.timeout(self._timeout):
                return await self._http.send(request, stream=True)
        except (httpx.RequestError, TimeoutError) as error:
            raise exchange.Failed(_cause(error)) from error

    async def whole(self, response: httpx.Response) -> bytes:
        """All of an answer's body. Raises `exchange.Failed`."""
        try:
            return await response.aread()
        except httpx.RequestError as error:
            raise exchange.Failed(_cause(error)) from error


def content(response: httpx.Response) -> blobs.Content:
    """Present content that the API gives itself; whoever opened the answer closes it."""
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    return blobs.Content(
        signed_url=str(response.url),
        status=response.status_code,
        media_type=blobs.media_type(response.headers.get("Content-Type")),
        length=None if encoded else _promised(response),
        chunks=_chunks(response),
    )


def _proxy(named: proxies.Proxy | None) -> httpx.Proxy | None:
    if named is None:
        return None
    host, port = named.address
    return httpx.Proxy(httpx.URL(scheme="http", host=host, port=port), headers=dict(named.headers))


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    url = str(response.url)
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except httpx.RequestError as error:
        raise errors.Truncated(call="download", url=url, detail=_cause(error)) from error
    promised, came = _promised(response), response.num_bytes_downloaded
    if promised is not None and came != promised:
        raise errors.Truncated(call="download", url=url, detail=f"{came} bytes of {promised} came")


def _promised(response: httpx.Response) -> int | None:
    """The body's length on the wire; with `Transfer-Encoding` the header has no meaning."""
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _cause(error: Exception) -> str:
    """Say in words what is told in types: time-outs carry no message."""
    if str(error):
        return str(error)
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    return "no answer in time" if isinstance(error, httpx.TimeoutException | TimeoutError) else type(error).__name__
