"""One request for content to one address, and its answer as it comes.

Everything that guards us from the other side's host is here: https alone, public addresses alone, no proxies, no
cookies, no credentials, bounded headers, and an end to streams that do not get on.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import quote, urljoin, urlsplit

import yarl

from orchestration import addresses, connections, errors, heads, http1, wire

SLOWEST = 1024  # bytes a second, over each stretch of `stall` seconds; what is slower counts as broken
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": heads.USER_AGENT}
_REDIRECTS = (301, 302, 303, 307, 308)


class Answer:
    """A host's answer whose body has not been read yet; whoever asked closes it.

    length: bytes of the body on the wire, when the host says so.
    redirect: where the content is said to be instead, absolute.
    """

    def __init__(
        self,
        url: str,
        head: heads.Head,
        connection: http1.Connection,
        *,
        stall: float,
        give_back: Callable[[http1.Connection], None],
    ) -> None:
        """Take the seconds of a stretch without progress, and who has the connection when we are done with it."""
        self.url = url
        self.status = head.status
        self.headers: Mapping[str, str] = head.headers
        self.length = head.length
        self.redirect = _redirect(url, head)
        self._connection, self._stall, self._give_back = connection, stall, give_back
        self._is_closed = False

    def close(self) -> None:
        """Let go of the connection: for reuse when the body has come to its end."""
        if not self._is_closed:
            self._is_closed = True
            self._give_back(self._connection)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes on the wire, encoded as it may be. Raises Truncated when it breaks or stalls.

        Only the time spent on waiting counts: a slow reader of ours is no fault of the host's.
        """
        clock, connection = asyncio.get_running_loop().time, self._connection
        waited, came = 0.0, 0
        while not connection.is_read:
            began, chunk = clock(), None
            try:
                async with asyncio.timeout(self._stall - waited):
                    chunk = await connection.read()
            except TimeoutError:
                pass
            except http1.Broken as error:
                raise self._broken(str(error)) from error
            if chunk == b"":
                return
            waited += clock() - began
            if chunk:
                yield chunk
            if waited >= self._stall:
                if connection.came - came < SLOWEST * self._stall:
                    raise self._broken(f"only {connection.came - came} bytes came in {self._stall:g} seconds")
                waited, came = 0.0, connection.came

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
        self._allow_private, self._longest, self._stall = allow_private, connect + stall, stall
        is_allowed = (lambda _: True) if allow_private else is_public
        self._connections = connections.Connections(is_allowed=is_allowed, tls=tls, connect=connect)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connections.aclose()

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask once, following nothing.

        Raises Forbidden for an address that we do not connect to, Unreachable when there is no answer in time.
        """
        if not wire.is_url(url):
            raise errors.Unreachable(call="download", url=url, detail="this is not an http(s) address")
        if not self._allow_private and urlsplit(url).scheme != "https":
            raise errors.Forbidden(call="download", url=url, detail="it is not https")
        try:
            async with asyncio.timeout(self._longest):
                return await self._ask(url, headers)
        except addresses.NotPublicError as error:
            raise errors.Forbidden(call="download", url=url, detail=str(error)) from None
        except (http1.Broken, OSError, ValueError) as error:
            raise errors.Unreachable(call="download", url=url, detail=_cause(error)) from error

    async def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        address = _verbatim(url)
        host = address.host_port_subcomponent or ""
        request = heads.request("GET", address.raw_path_qs, {"Host": host, **_HEADERS, **headers})
        connection, head = await self._connections.ask(address, request)
        give_back = functools.partial(self._connections.give_back, address)
        return Answer(url, head, connection, stall=self._stall, give_back=give_back)


def _cause(error: BaseException) -> str:
    """Say in words what went wrong: time-outs carry no message."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _verbatim(url: str) -> yarl.URL:
    """The URL as it was signed, byte for byte, but for a user and password: they would go out as credentials."""
    if url.isascii() and "@" not in url:  # nearly all: what can be asked for has no blanks in it
        return yarl.URL(url, encoded=True)
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if not bare.netloc.isascii():
        return yarl.URL(bare.geturl())
    return yarl.URL(quote(bare.geturl(), safe="".join(map(chr, range(33, 127)))), encoded=True)


def _redirect(url: str, head: heads.Head) -> str | None:
    location = head.headers.get("Location")
    if head.status not in _REDIRECTS or not location:
        return None
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # asking for it will say what is wrong with it
