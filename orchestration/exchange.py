"""A request of the API and the whole of its answer, over aiohttp, which takes a third of httpx's processor time."""

import asyncio
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import yarl

from orchestration import authorities

_IDLE = 15.0  # seconds that an unused connection is kept
_OURSELVES = ("127.0.0.1", "::1", "localhost")


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
    """The same headers with every request. Whoever made it closes it."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, timeout: float, connect: float) -> None:
        """Take what all requests begin with, and the seconds for one, whole, and for its connection."""
        self._headers = dict(headers)
        self._timeout, self._connect = timeout, connect
        self._proxy = _proxy(base_url)
        self._is_encrypted = any(url.startswith("https:") for url in (base_url.lower(), self._proxy or ""))
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Ask once, following nothing. The URL goes out as it stands. Raises Failed."""
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._opened().request(
                    method,
                    yarl.URL(url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    proxy=self._proxy,
                ) as response,
            ):
                content = await response.read()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failed(_cause(error)) from error
        is_redirect = 300 <= response.status < 400 and "Location" in response.headers
        return Answer(response.status, response.headers, content, is_redirect)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # aiohttp wants the loop that it will run in
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=_IDLE, ssl=authorities.context() if self._is_encrypted else True
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
                trust_env=False,
            )
        return self._session


def _cause(error: Exception) -> str:
    """Say in words what is told in types: time-outs carry no message."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _proxy(base_url: str) -> str | None:
    """The proxy that the environment names for this address. The machine's own are never asked for through one."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in _OURSELVES or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
