"""HTTP/1.1 on one connection: a question, its answer, and then the next.

A body whose length is known is read from the socket into the very memory in which it is handed out; nothing else
touches it on its way. Nothing is read that nobody waits for: whoever is slow slows the other side down.
"""

import asyncio
from io import BytesIO
from typing import cast

from orchestration import heads

PIECE_BYTES = 1 << 20  # handed out at once of a body whose length is known


class Broken(Exception):
    """The connection has ended, or what came on it is no HTTP; says why."""


class Connection(asyncio.BufferedProtocol):
    """One connection: `ask`, `read` to the end, and again while it `is_reusable`. Whoever is done with it aborts it.

    is_silent: whether nothing has come since the last question.
    came: bytes of the body that have come, read or not.
    closed: done when it has ended.
    """

    def __init__(self) -> None:
        self.is_silent, self.came = True, 0
        self._head = heads.Head()
        self._head.is_whole = True  # there was none, and nothing is to come before it is asked for
        self._body: _Body | None = None  # None: it goes through the head's parser
        self._scratch = memoryview(bytearray(heads.READ_BYTES))
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] | None = None
        self._lost: str | None = None  # why nothing more can come
        self._wrong: str | None = None  # what the other side has done that it must not
        self.closed: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_read(self) -> bool:
        """Whether all of the body has been read: what `read` gives then is nothing."""
        is_whole = self._head.is_whole and self._wrong is None
        return is_whole and not self._head.body and (self._body is None or self._body.is_taken)

    @property
    def is_reusable(self) -> bool:
        """Whether it can be asked again: it is open, and nothing more is to come of the last answer."""
        return self._lost is None and self._head.is_whole and self._head.stays

    async def ask(self, request: bytes) -> heads.Head:
        """Send a request, and wait for the head of its answer. Raises Broken."""
        self.is_silent, self.came = True, 0
        self._head, self._body = heads.Head(), None
        if self._lost is None:
            self._transport.write(request)
        while not self._head.is_told:
            await self._more()
        self._check()
        return self._head

    async def read(self) -> bytes:
        """The next of the body; nothing at its end. Raises Broken. Whoever was cancelled can read on."""
        head, body = self._head, self._body
        self._check()
        if body is not None:
            while body.room() and (self._lost is None or not body.filled):
                await self._more()
            return body.take_out()
        while not head.body and not head.is_whole:
            await self._more()
        piece = b"".join(head.body)
        head.body.clear()
        return piece

    def abort(self) -> None:
        """Close it at once."""
        if self._lost is None:
            self._lost = "it was closed here"
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if exc is None and self._lost is None:
            self._head.end()
        self._lost = self._lost or str(exc or "") or "the connection has ended"
        self.closed.set_result(None)
        self._wake()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the loop: where it is to put what comes next."""
        del sizehint
        return self._scratch if self._body is None or self._head.is_whole else self._body.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the loop: so many bytes have come there."""
        self.is_silent = False
        head, body = self._head, self._body
        if head.is_whole:
            self._give_up("more came than was asked for")
        elif body is not None:
            body.take_in(nbytes)
            self.came += nbytes
            head.is_whole = not body.missing
            if body.room():
                return
        else:
            self._feed(head, nbytes)
            if not head.is_told:
                return
        if not head.is_whole and (self._body is None or not self._body.room()):
            self._transport.pause_reading()
        self._wake()

    def _feed(self, head: heads.Head, nbytes: int) -> None:
        try:
            head.feed(self._scratch[:nbytes])
        except ValueError as error:
            self._give_up(str(error))
        self.came = head.came
        if head.is_told and head.length is not None and not head.is_whole:
            self._body = _Body(head.length, b"".join(head.body))
            head.body.clear()

    def _give_up(self, why: str) -> None:
        self._lost = self._wrong = why
        self._transport.abort()

    def _check(self) -> None:
        if self._wrong is not None:
            raise Broken(self._wrong)

    async def _more(self) -> None:
        """Wait until something has come, or nothing will. Raises Broken."""
        if self._lost is not None:
            raise Broken(self._lost)
        if not self._transport.is_reading():
            self._transport.resume_reading()
        self._woken = self._loop.create_future()
        try:
            await self._woken
        finally:
            self._woken = None

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class _Body:
    """A body of known length, a piece at a time. missing: bytes that have not come. filled: of the piece."""

    def __init__(self, length: int, begun: bytes) -> None:
        self.missing, self.filled = length, 0
        self._piece: BytesIO | None = None
        self._room = _NOWHERE
        self.room()[: len(begun)] = begun
        self.take_in(len(begun))

    @property
    def is_taken(self) -> bool:
        """Whether all of it has come and been taken out."""
        return self._piece is None and not self.missing

    def room(self) -> memoryview:
        """What is left to fill of the piece; empty when it is full, and behind the last."""
        if self._piece is None:
            self._piece, self.filled = BytesIO(bytes(min(self.missing, PIECE_BYTES))), 0
            self._room = self._piece.getbuffer()
        return self._room

    def take_in(self, count: int) -> None:
        """So many bytes have come into the room."""
        self.missing, self.filled, self._room = self.missing - count, self.filled + count, self._room[count:]

    def take_out(self) -> bytes:
        """The piece as far as it is filled, which BytesIO gives away without a copy once nobody looks into it."""
        piece, self._piece, self._room = self._piece, None, _NOWHERE
        if piece is None:
            return b""
        piece.truncate(self.filled)
        return piece.getvalue()


_NOWHERE = memoryview(bytearray())
