"""Heads of HTTP/1.1: requests, and answers with those of their bodies that come through the same parser, llhttp."""

from collections.abc import Mapping

import httptools
from multidict import CIMultiDict

LINES = 100
LINE_BYTES = 8190
READ_BYTES = 1 << 16  # fed at once
USER_AGENT = "civitai-archive"  # a request that does not say who asks is refused by some in front of hosts
EMPTY_BYTES = READ_BYTES  # in a row that may bring no content: the head itself, trailers, names of chunks


def request(method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """A request as it goes out, its length added. Raises ValueError where somebody has put a line into another."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("there is the end of a line in what is asked for")
    return f"{head}\r\n\r\n".encode("ascii") + (body or b"")


class Head:
    """An answer as far as it was fed.

    status, headers, length: once it `is_told`; bytes of the body on the wire, None where that is not said.
    body, came: what has come of the body and was not taken out yet; bytes of it that have come at all.
    is_whole: whether the body has been fed to its end.
    stays: whether the connection can be used again after it.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: CIMultiDict[str] = _NONE
        self.length: int | None = None
        self.body: list[bytes] = []
        self.came = 0
        self.is_told = self.is_whole = self.stays = False
        self._empty = 0
        self._lines: list[tuple[str, str]] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: memoryview) -> None:
        """Take what came next. Raises ValueError for what is no answer."""
        had = self.came
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise ValueError("it wants to speak something else than HTTP") from None
        except httptools.HttpParserError as error:
            raise ValueError(str(error.__context__ or error)) from None
        self._empty = 0 if self.came > had else self._empty + len(data)
        if self._empty > EMPTY_BYTES and not self.is_whole:
            raise ValueError("too much came that is no content")

    def end(self) -> None:
        """The connection has ended, which is the end of a body of which nothing else tells the end."""
        if self.is_told and self.length is None and "Transfer-Encoding" not in self.headers:
            self.is_whole, self.stays = True, False

    def on_message_begin(self) -> None:
        """Called by the parser: behind a whole answer, one that nobody has asked for."""
        if self.is_whole:
            raise ValueError("more came than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser: a line of the head, or one behind a body, which means nothing to us."""
        if self.is_told:
            return
        if len(self._lines) == LINES or len(name) + len(value) > LINE_BYTES:
            raise ValueError("its headers are too many or too long")
        self._lines.append((_text(name), _text(value)))

    def on_headers_complete(self) -> None:
        """Called by the parser: the end of the head, or of one which says that the answer is still to come."""
        if self.is_told:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self._lines.clear()
            return
        self.headers = CIMultiDict(self._lines)
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" not in self.headers and length.isascii() and length.isdigit():
            self.length = int(length)
        self.is_told, self.stays = True, self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Called by the parser."""
        self.body.append(piece)
        self.came += len(piece)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.is_whole = self.is_told


_NONE: CIMultiDict[str] = CIMultiDict()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").strip()
