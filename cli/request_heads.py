"""The heads of requests, bounded in size and in time for whatever is served here: the receiver and the gateway.

Uvicorn bounds neither, so a stranger could hold a connection, or fill our memory, before there is a request to refuse.
What comes after the head is bounded by whoever reads it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 10.0
"""For a head and the first bytes of its body."""

_OF_CONTENT = (b"content-length", b"transfer-encoding")

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """Uvicorn's connection; closed when a head is too large, or has not come whole in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes: int | None = 0
        """What has come of a head; None while we read a body or answer."""
        self._is_awaited = True
        """Whether the head, or the first of its body, is still to come."""
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._limit_patience()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        if self._is_awaited:  # most requests come in one piece, and need no timer
            self._limit_patience()
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.transport.write(TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        self._head_bytes = 0
        self._is_awaited = True

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._head_bytes = None
        if self.parser.should_upgrade() and any(name in _OF_CONTENT for name, _ in self.headers):
            # Its parser drops the content, and an answer to the rest would pass for one to the whole.
            raise ValueError("it has content, and asks for another protocol")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._stop_waiting()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """See uvicorn."""
        if self.cycle.response_complete and self.cycle.more_body:
            # Answered without its body, which nobody reads any more and no timer watches.
            self.transport.close()
        super().on_response_complete()

    def _limit_patience(self) -> None:
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(HEAD_SECONDS, self._close_if_waiting)

    def _stop_waiting(self) -> None:
        self._is_awaited = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _close_if_waiting(self) -> None:
        self._patience = None
        # A head that came early, behind a request that is still being answered, has no fault in being incomplete.
        if self._head_bytes is None or self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.transport.close()
