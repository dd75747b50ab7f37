"""Blob content as a stream, from whatever host a signed URL names.

The client here holds no token and takes none: what it sends is the same for every host in the world, and each
request, first or redirected, passes the guards of `transport`. A stream that breaks goes on where it broke.
"""

import functools
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from urllib.parse import unquote, urlsplit

from orchestration import addresses, encodings, errors, resumption, retry, transport

CONNECT = 10.0  # seconds to get a connection
STALL = 30.0  # seconds without progress until a stream counts as broken; a whole download may take any time
REDIRECTS = 5  # hops after the first address
MAX_BYTES = 64 << 30
CHUNK_BYTES = 1 << 19  # the least that a chunk holds, the last one aside: enough for hashing it in a thread to pay
PAUSES = (0.0, 1.0, 3.0)  # seconds before each further try at a broken stream that does not get on

_PLACEHOLDER = re.compile(r"/v2/consumer/blobs/+blocked(/|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Content:
    """Content that is being received.

    signed_url: where it comes from. url: the same without its query.
    media_type: in lower case, without parameters; as claimed, like the length.
    length: bytes of the whole, when the host says so.
    start: bytes that the caller has already and `chunks` leaves out, see `BlobClient.open`.
    etag: what proves later that the content is still the same; None where nothing does.
    chunks: the bytes, once. Raises Truncated when they are not as many as promised or stop coming and cannot be
        had otherwise, TooLarge when they pass the client's `max_bytes`, and, where the rest of a broken stream is
        asked for, whatever `open` raises.
    """

    signed_url: str = field(repr=False)
    status: int
    media_type: str | None
    length: int | None
    chunks: AsyncIterator[bytes] = field(repr=False)
    start: int = 0
    etag: str | None = None

    @property
    def url(self) -> str:
        """Where it comes from, as may be shown."""
        return errors.without_secrets(self.signed_url)


class BlobClient:
    """Downloads from signed URLs. Open it with `async with`; one for a process is enough."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        max_bytes: int = MAX_BYTES,
        connect: float = CONNECT,
        stall: float = STALL,
        pauses: Sequence[float] = PAUSES,
        tls: ssl.SSLContext | None = None,
        is_public: Callable[[str], bool] = addresses.is_public,
    ) -> None:
        """Take the limits; how many downloads run at once is the caller's affair.

        allow_private: plain http, and any address, loopback too: for the sandbox and tests.
        connect, stall, pauses: seconds.
        tls, is_public: whose certificates are believed (None: those of public authorities) and which addresses
            count as public, where that is not for `addresses` to say.
        """
        self._max_bytes, self._stall, self._pauses = max_bytes, stall, pauses
        self._transport = transport.Transport(
            allow_private=allow_private, is_public=is_public, tls=tls, connect=connect, stall=stall
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._transport.aclose()

    @asynccontextmanager
    async def open(
        self,
        url: str,
        fresh_url: Callable[[], Awaitable[str]] | None = None,
        *,
        begun: resumption.Begun | None = None,
    ) -> AsyncIterator[Content]:
        """Ask for the content behind this address, following redirects.

        Whenever the address has expired, at first or in the middle of the stream, `fresh_url` is asked for
        another; what it raises is raised. Of what was `begun` earlier only the rest is asked for; the content's
        `start` says whether the host could prove that it is the rest of the same.

        Raises of the Transient tree: UrlExpired (401, 403, 410), RateLimited, ServerError, Unreachable, Forbidden,
        and Transient itself for any other answer than 200. Withheld for the placeholder of what Civitai keeps
        back, TooLarge for content of more than `max_bytes`.
        """
        address = url

        async def ask(headers: Mapping[str, str]) -> transport.Answer:
            nonlocal address
            try:
                return await self._follow(address, headers)
            except errors.UrlExpired:
                if fresh_url is None:
                    raise
                address = await fresh_url()
                return await self._follow(address, headers)

        download = await self._begin(ask, begun)
        start = begun.came if begun and download.answer.status == 206 else 0
        first = download.answer
        try:
            length = None if first.length is None else start + first.length
            if length is not None and length > self._max_bytes:
                raise self._too_large(first.url, f"{length} bytes")
            encoding = first.headers.get("Content-Encoding")
            yield Content(
                signed_url=first.url,
                status=first.status,
                media_type=media_type(first.headers.get("Content-Type")),
                length=None if encodings.is_encoded(encoding) else length,
                chunks=self._gathered(encodings.decoded(download.chunks(), encoding, url=first.url), first.url, start),
                start=start,
                etag=None if encodings.is_encoded(encoding) else download.etag,
            )
        finally:
            download.answer.close()

    async def _begin(self, ask: resumption.Ask, begun: resumption.Begun | None) -> resumption.Download:
        """The rest of what was begun, or, where that cannot be had, the whole."""
        download = functools.partial(
            resumption.Download, ask=ask, pauses=self._pauses, progress=transport.SLOWEST * self._stall
        )
        if begun is not None:
            answer = await ask(begun.headers)
            rest = download(answer, begun=begun)
            if not encodings.is_encoded(answer.headers.get("Content-Encoding")) and rest.continues():
                return rest
            if answer.status == 200:
                return download(answer)
            answer.close()
        return download(await ask({}))

    async def _follow(self, url: str, headers: Mapping[str, str]) -> transport.Answer:
        address, wanted = url, (200, 206, 416) if "Range" in headers else (200,)
        for _ in range(1 + REDIRECTS):
            if _PLACEHOLDER.search(unquote(_path(address))):
                raise errors.Withheld(call="download", url=address)
            answer = await self._transport.get(address, headers)
            if answer.status in wanted:
                return answer
            answer.close()
            if answer.redirect is None:
                raise _refused(answer)
            address = answer.redirect
        raise errors.Unreachable(call="download", url=url, detail=f"more than {REDIRECTS} redirects")

    async def _gathered(self, chunks: AsyncIterator[bytes], url: str, start: int) -> AsyncIterator[bytes]:
        """Yield what comes in large chunks, and no more of it than we take."""
        came, gathered, pending = start, 0, list[bytes]()
        async for chunk in chunks:
            came += len(chunk)
            if came > self._max_bytes:
                raise self._too_large(url, f"{came} bytes so far")
            pending.append(chunk)
            gathered += len(chunk)
            if gathered >= CHUNK_BYTES:
                yield b"".join(pending)
                gathered, pending = 0, []
        if pending:
            yield b"".join(pending)

    def _too_large(self, url: str, size: str) -> errors.TooLarge:
        return errors.TooLarge(call="download", url=url, detail=f"{size}, at most {self._max_bytes} are taken")


def media_type(content_type: str | None) -> str | None:
    """Read a Content-Type header: the type in lower case, without parameters."""
    return (content_type or "").partition(";")[0].strip().lower() or None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # asking for it will say so
        return ""


def _refused(answer: transport.Answer) -> errors.Transient:
    """What a storage host's answer means: only Civitai's API can say that a blob is gone."""
    status, url = answer.status, answer.url
    if status in (401, 403, 410):
        return errors.UrlExpired(call="download", url=url, status=status)
    wait = retry.retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
    if status == 429:
        return errors.RateLimited(call="download", url=url, status=status, retry_after=wait)
    if errors.is_server_error(status):
        return errors.ServerError(call="download", url=url, status=status, retry_after=wait)
    return errors.Transient(call="download", url=url, status=status, retry_after=wait)
