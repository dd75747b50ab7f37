"""Sending a body in pieces: as promised, or with one of the flaws that `sandbox.faults` names.

`truncate` and `reset`: it ends somewhere before its end, politely or with a reset. `hang`: somewhere in it nothing
comes for a while. `wrong_length`: more bytes are promised than come. `overlong`: more come than were promised.
"""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox import connection, content, faults

FLAWS = frozenset({"truncate", "reset", "api_reset", "hang", "wrong_length", "overlong"})
_MOST_EXTRA = 1_000  # bytes more than there should be, sent or promised


class Body(Response):
    """The bytes of a file from `start` up to but not including `end`; `on_whole` is called when all of them were
    sent as promised.
    """

    def __init__(
        self,
        file: content.Content,
        start: int,
        end: int,
        status: int,
        headers: dict[str, str],
        *,
        flaw: faults.Strike | None = None,
        on_whole: Callable[[], None] = lambda: None,
    ) -> None:
        self._file, self._start, self._end, self._flaw, self._on_whole = file, start, end, flaw, on_whole
        extra = flaw.dice.randint(1, _MOST_EXTRA) if flaw and flaw.name == "wrong_length" else 0
        headers = {**headers, "Content-Length": str(end - start + extra)}
        super().__init__(None, status, headers, file.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        flaw = self._flaw
        if flaw is None:
            await self._send_all(scope, receive, send, self._start)
            return
        middle = flaw.dice.randrange(self._start, self._end)
        match flaw.name:
            case "truncate":
                await self._send(scope, receive, send, self._start, middle)
                await connection.close(scope, receive)
            case "reset" | "api_reset":
                await self._send(scope, receive, send, self._start, middle)
                await connection.reset(scope, receive)
            case "hang":
                await self._send(scope, receive, send, self._start, middle)
                if not await connection.is_gone_within(receive, flaw.seconds):
                    await self._send_all(scope, receive, send, middle)
            case "wrong_length":
                await self._send(scope, receive, send, self._start, self._end)
                await connection.close(scope, receive)
            case "overlong":
                await self._send_all(scope, receive, send, self._start)
                connection.of(scope).write(flaw.dice.randbytes(flaw.dice.randint(1, _MOST_EXTRA)))
                connection.of(scope).close()

    async def _send_all(self, scope: Scope, receive: Receive, send: Send, start: int) -> None:
        if await self._send(scope, receive, send, start, self._end, last=True):
            self._on_whole()

    async def _send(
        self, scope: Scope, receive: Receive, send: Send, start: int, end: int, *, last: bool = False
    ) -> bool:
        """Send these bytes; False when the other side hung up before they were all written."""
        transport = connection.of(scope)
        for piece in self._file.pieces(start, end):
            if transport.is_closing():
                await connection.close(scope, receive)
                return False
            start += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": not last or start < end})
        return True
