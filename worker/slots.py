"""How much a worker downloads at once: in all, from one host, and in bytes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

DOWNLOADS_AT_ONCE = 24
FROM_ONE_HOST = 16
BYTES_AT_ONCE = 8 << 30
"""Of the temporary directory: what is received and not yet in its place."""


class Slots:
    """The bounds, waited for in order of arrival. One content larger than all bytes allowed goes alone."""

    def __init__(
        self, *, at_once: int = DOWNLOADS_AT_ONCE, one_host: int = FROM_ONE_HOST, bytes_at_once: int = BYTES_AT_ONCE
    ) -> None:
        self._at_once, self._one_host, self._bytes_at_once = at_once, one_host, bytes_at_once
        self._hosts: Counter[str] = Counter()
        self._bytes = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def connection(self, url: str) -> AsyncIterator[None]:
        """A download from the URL's host, for the length of the block."""
        host = urlsplit(url).netloc.lower()
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._hosts.total() < self._at_once and self._hosts[host] < self._one_host
            )
            self._hosts[host] += 1
        try:
            yield
        finally:
            self._hosts[host] -= 1
            self._hosts += Counter()  # forgets hosts that are not in use
            await self._tell()

    @asynccontextmanager
    async def room(self, length: int | None) -> AsyncIterator[None]:
        """Room for so many bytes, for the length of the block; what does not say its length takes none."""
        length = min(length or 0, self._bytes_at_once)
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes + length <= self._bytes_at_once)
            self._bytes += length
        try:
            yield
        finally:
            self._bytes -= length
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
