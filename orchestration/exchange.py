"""A request of the API and the whole of its answer, on connections that are used again."""

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import yarl
from multidict import CIMultiDict

from orchestration import connections, encodings, errors, heads, http1, proxies

ANSWER_BYTES = 128 << 20
"""The longest answer that is read: a page of workflows with thousands of results takes a few mebibytes."""

_REPEATABLE = ("GET", "PUT", "DELETE")
"""What may be sent again when it is not known whether it came there."""

_WITH_CONTENT = ("POST", "PUT", "PATCH")
"""What some servers refuse (411) unless they are told how long its content is, none included."""


class Failed(Exception):
    """There was no answer, or not all of it; the message says why."""


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end. is_redirect: whether it names another address, to which nothing was sent."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    is_redirect: bool

    @property
    def is_success(self) -> bool:
        """Whether it is one of the 200s."""
        return 200 <= self.status < 300


class Exchange:
    """One host, and the same headers with every request. Whoever made it closes it."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, timeout: float, connect: float) -> None:
        """Take what all URLs begin with, what all requests have, and the seconds for one and for its connection."""
        self._host = yarl.URL(base_url, encoded=True).origin()
        self._origin = base_url[: len(base_url) - len(urlsplit(base_url).path)]
        self._timeout = timeout
        self._headers = {"Host": self._host.host_port_subcomponent or "", "Accept-Encoding": "gzip", **headers}
        proxy = proxies.named_for(base_url)
        self._tells_whole_url = proxy is not None and self._host.scheme == "http"
        if proxy is not None and self._tells_whole_url:
            self._headers |= proxy.headers
        self._connections = connections.Connections(is_allowed=lambda _: True, tls=None, connect=connect, proxy=proxy)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connections.aclose()

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Ask once, following nothing. The URL goes out as it stands. Raises Failed.

        Where `headers` names one that all requests have, theirs holds.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(method, url, headers, body)
        except (http1.Broken, errors.OrchestrationError, OSError, ValueError) as error:
            raise Failed(_cause(error)) from error

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        if not url.startswith(f"{self._origin}/"):
            raise ValueError("it is not of this host")
        all_headers = CIMultiDict(headers)
        all_headers.update(self._headers)
        target = url if self._tells_whole_url else url[len(self._origin) :]
        content = b"" if body is None and method in _WITH_CONTENT else body
        request = heads.request(method, target, all_headers, content)
        ask = functools.partial(self._connections.ask, self._host, request, is_repeatable=method in _REPEATABLE)
        connection, head = await ask()
        try:
            answered = await _whole(connection, head)
        except BaseException:
            connection.abort()
            raise
        self._connections.give_back(self._host, connection)
        is_redirect = 300 <= head.status < 400 and "Location" in head.headers
        return Answer(head.status, head.headers, answered, is_redirect)


async def _whole(connection: http1.Connection, head: heads.Head) -> bytes:
    if connection.is_read:
        return b""  # nothing, however it is said to be encoded
    content = bytearray()
    encoding = head.headers.get("Content-Encoding")
    async for piece in encodings.decoded(_pieces(connection), encoding, url=""):
        content += piece
        if len(content) > ANSWER_BYTES:
            raise ValueError(f"the answer has more than {ANSWER_BYTES} bytes")
    return bytes(content)


def _cause(error: Exception) -> str:
    """Say in words what is told in types: time-outs carry no message, and ours a sentence about content."""
    if isinstance(error, errors.OrchestrationError) and error.detail:
        return error.detail
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


async def _pieces(connection: http1.Connection) -> AsyncIterator[bytes]:
    while piece := await connection.read():
        yield piece
