"""The proxy that the environment names, and the way through it."""

import asyncio
import base64
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from orchestration import heads

_OURSELVES = ("127.0.0.1", "::1", "localhost")
_READ_BYTES = 4096


class Refused(OSError):
    """There is no way through the proxy."""


@dataclass(frozen=True)
class Proxy:
    """A proxy as the environment names it, and what has to be said to it."""

    url: str = field(repr=False)  # may hold a password
    headers: Mapping[str, str] = field(repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port at which it listens. Raises Refused for one that we cannot speak with."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:  # whose message may hold a piece of the password
            raise Refused("the environment names a proxy whose address cannot be read") from None
        if parts.scheme != "http" or not host:
            raise Refused("the environment names a proxy whose address does not begin with http://")
        return host, port

    async def tunnel(self, connected: socket.socket, host: str, port: int) -> None:
        """Have what is sent from now on go to this host. Raises OSError, ValueError."""
        loop, place = asyncio.get_running_loop(), f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        await loop.sock_sendall(connected, heads.request("CONNECT", place, {"Host": place, **self.headers}))
        head = heads.Head()
        while not head.is_told:
            came = await loop.sock_recv(connected, _READ_BYTES)
            if not came:
                raise Refused("the proxy hangs up")
            head.feed(memoryview(came))
        if not 200 <= head.status < 300:
            raise Refused(f"the proxy answers {head.status}")


def named_for(url: str) -> Proxy | None:
    """The proxy that the environment names for this address. The machine's own are never asked for through one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _OURSELVES or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    if not named:
        return None
    address = named if "://" in named else f"http://{named}"
    login, at, _ = address.partition("://")[2].partition("/")[0].rpartition("@")
    user, _, password = login.partition(":")
    encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode(errors="surrogateescape")).decode()
    return Proxy(address, {"proxy-authorization": f"Basic {encoded}"} if at else {})
