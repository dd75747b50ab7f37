"""One request for content to one address, and its answer as it comes.

Everything that guards us from the other side's host is here: https alone, public addresses alone, no proxies, no
cookies, no credentials, bounded headers, and an end to streams that do not get on.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
import httpx
import yarl

from orchestration import addresses, errors, wire

SLOWEST = 1024  # bytes a second, over each stretch of `stall` seconds; what is slower counts as broken
READ_BYTES = 1 << 18  # what a read gives at most, about, when the other side is fast
HEADER_LINES = 100
_IDLE = 15.0  # seconds that an unused connection is kept
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "civitai-archive"}
_REDIRECTS = (301, 302, 303, 307, 308)


class Answer:
    """A host's answer whose body has not been read yet; whoever asked closes it.

    length: bytes of the body on the wire, when the host says so.
    redirect: where the content is said to be instead, absolute.
    """

    def __init__(self, url: str, response: aiohttp.ClientResponse, stall: float) -> None:
        self.url = url
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.length = _length(response.headers)
        self.redirect = _redirect(url, response)
        self._response = response
        self._stall = stall

    def close(self) -> None:
        """Let go of the connection: for reuse when the body has been read to its end."""
        self._response.release()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes on the wire, encoded as it may be. Raises Truncated when it breaks or stalls.

        Only the time spent on waiting counts: a slow reader of ours is no fault of the host's.
        """
        clock = asyncio.get_running_loop().time
        waited, came = 0.0, 0
        while True:
            began, chunk = clock(), None
            try:
                async with asyncio.timeout(self._stall - waited):
                    chunk = await self._response.content.readany()
            except TimeoutError:
                pass
            except (aiohttp.ClientError, OSError) as error:
                raise self._broken(cause(error)) from error
            if chunk == b"":
                return
            waited += clock() - began
            if chunk:
                came += len(chunk)
                yield chunk
            if waited >= self._stall:
                if came < SLOWEST * self._stall:
                    raise self._broken(f"only {came} bytes came in {self._stall:g} seconds")
                waited, came = 0.0, 0

    def _broken(self, detail: str) -> errors.Truncated:
        return errors.Truncated(call="download", url=self.url, detail=detail)


class Transport:
    """Asks hosts for content, with nothing in hand but the address. `async with` closes its connections."""

    def __init__(
        self,
        *,
        allow_private: bool,
        is_public: Callable[[str], bool],
        tls: ssl.SSLContext | None,
        connect: float,
        stall: float,
    ) -> None:
        """Take what may be connected to, whose certificates are believed (None: those of public authorities),
        and the seconds for a connection and for a stretch without progress.
        """
        self._allow_private, self._is_public = allow_private, is_public
        self._tls, self._connect, self._stall = tls, connect, stall
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask once, following nothing.

        Raises Forbidden for an address that we do not connect to, Unreachable when there is no answer in time.
        """
        if not wire.is_url(url):
            raise errors.Unreachable(call="download", url=url, detail="this is not an http(s) address")
        if not self._allow_private and urlsplit(url).scheme != "https":
            raise errors.Forbidden(call="download", url=url, detail="it is not https")
        try:
            async with asyncio.timeout(self._connect + self._stall):
                response = await self._opened().get(_verbatim(url), headers=headers, allow_redirects=False)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, addresses.NotPublicError):
                raise errors.Forbidden(call="download", url=url, detail=str(error.os_error)) from None
            raise errors.Unreachable(call="download", url=url, detail=cause(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise errors.Unreachable(call="download", url=url, detail=cause(error)) from error
        return Answer(url, response, self._stall)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # aiohttp wants the loop that it will run in
            is_allowed = (lambda _: True) if self._allow_private else self._is_public
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    keepalive_timeout=_IDLE,
                    socket_factory=addresses.guarded_sockets(is_allowed),
                    ssl=self._tls or httpx.create_ssl_context(),  # the same authorities as the API client's
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
                auto_decompress=False,
                read_bufsize=READ_BYTES,
                max_headers=HEADER_LINES,
                trust_env=False,
            )
        return self._session


def cause(error: BaseException) -> str:
    """Say in words what went wrong: time-outs carry no message."""
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _verbatim(url: str) -> yarl.URL:
    """The URL as it was signed, byte for byte, but for a user and password: they would go out as credentials."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if not bare.netloc.isascii():
        return yarl.URL(bare.geturl())
    return yarl.URL(quote(bare.geturl(), safe="".join(map(chr, range(33, 127)))), encoded=True)


def _redirect(url: str, response: aiohttp.ClientResponse) -> str | None:
    location = response.headers.get("Location")
    if response.status not in _REDIRECTS or not location:
        return None
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # asking for it will say what is wrong with it


def _length(headers: Mapping[str, str]) -> int | None:
    """The body's length on the wire; with `Transfer-Encoding` the header has no meaning."""
    length = headers.get("Content-Length", "")
    if "Transfer-Encoding" in headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)
