"""How much a worker downloads at once: in all, from one host, and of what is not in its place yet."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from archive.storage import incoming

DOWNLOADS_AT_ONCE = 24
FROM_ONE_HOST = 16
BYTES_AT_ONCE = 8 << 30
"""Of the temporary directory: what is received and not yet in its place."""
MEMORY_AT_ONCE = 32 << 20
"""Bytes in memory of what is received and not yet in its place: of each content a piece, all of a small one."""


class Slots:
    """The bounds, waited for in order of arrival. One content larger than all bytes allowed goes alone."""

    def __init__(
        self, *, at_once: int = DOWNLOADS_AT_ONCE, one_host: int = FROM_ONE_HOST, bytes_at_once: int = BYTES_AT_ONCE
    ) -> None:
        self._at_once, self._one_host, self._bytes_at_once = at_once, one_host, bytes_at_once
        self._hosts: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}  # by host; numbered as they came
        self._numbers = itertools.count()
        self._bytes = self._in_memory = 0
        self._kept = asyncio.Condition()

    @asynccontextmanager
    async def connection(self, url: str) -> AsyncIterator[None]:
        """A download from the URL's host, for the length of the block."""
        host = urlsplit(url).netloc.lower()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(host, deque()).append((next(self._numbers), turn))
        self._let_in()
        try:
            await turn
            yield
        finally:
            if not turn.cancelled():  # as it is when whoever waited for it was
                self._hosts[host] -= 1
                self._hosts += Counter()  # forgets hosts that are not in use
                self._let_in()

    @asynccontextmanager
    async def room(self, length: int | None) -> AsyncIterator[None]:
        """Room for a content of so many bytes, for the length of the block.

        What does not say its length takes a piece of memory, and no room in the temporary directory.
        """
        piece = incoming.PIECE_BYTES if length is None else min(length, incoming.PIECE_BYTES)
        length = min(length or 0, self._bytes_at_once)
        async with self._kept:
            await self._kept.wait_for(
                lambda: self._bytes + length <= self._bytes_at_once and self._in_memory + piece <= MEMORY_AT_ONCE
            )
            self._bytes, self._in_memory = self._bytes + length, self._in_memory + piece
        try:
            yield
        finally:
            self._bytes, self._in_memory = self._bytes - length, self._in_memory - piece
            async with self._kept:
                self._kept.notify_all()

    def _let_in(self) -> None:
        """Give a turn to those who have waited longest, as far as the bounds allow, and wake nobody else."""
        while self._hosts.total() < self._at_once:
            able = [host for host in self._waiting if self._hosts[host] < self._one_host]
            if not able:
                break
            host = min(able, key=lambda each: self._waiting[each][0][0])
            _, turn = self._waiting[host].popleft()
            if not self._waiting[host]:
                del self._waiting[host]
            if not turn.cancelled():
                self._hosts[host] += 1
                turn.set_result(None)
