"""A storage host that breaks off where it is told, and answers what it is told."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

ETAG = 'ETag: "v1"'


@dataclass
class BreakingHost:
    """Serves `content`, whole or from where a Range starts, and breaks off at each of `breaks` once.

    rest: how later requests are answered instead, one after another: head lines and a body.
    """

    content: bytes
    breaks: Iterable[int] = ()
    headers: tuple[str, ...] = (ETAG,)
    chunked: bool = False
    rest: list[tuple[str, bytes]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._breaks = sorted(self.breaks, reverse=True)

    async def respond(self, head: str, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.requests.append(head)
        if len(self.requests) > 1 and self.rest:
            lines, body = self.rest.pop(0)
            writer.write(f"HTTP/1.1 {lines}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            return
        wanted = re.search(r"^Range: bytes=(\d+)-\r$", head, re.MULTILINE)
        start, size = int(wanted[1]) if wanted else 0, len(self.content)
        if wanted and start >= size:
            writer.write(f"HTTP/1.1 416 No\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        told = [f"HTTP/1.1 {'206' if wanted else '200'} OK", *self.headers]
        if wanted:
            told.append(f"Content-Range: bytes {start}-{size - 1}/{size}")
        told.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {size - start}")
        writer.write("\r\n".join([*told, "", ""]).encode())
        end = self._breaks.pop() if self._breaks else None
        piece = self.content[start:end]
        if self.chunked and piece:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        elif not self.chunked:
            writer.write(piece)
        if self.chunked and end is None:
            writer.write(b"0\r\n\r\n")
