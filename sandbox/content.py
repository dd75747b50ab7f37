"""The bytes of a result: a real file's head and tail, with as much filler between them as somebody asked for.

A result of a gigabyte therefore costs no more memory than its head. Every format says for itself where filler
may stand (`sandbox.padding`); here it is only counted, cut and hashed.
"""

import hashlib
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

PIECE = 256 * 1024  # bytes handed to a socket at once

# Letters are legal in every place where a format allows filler, and hold no start code of any media format.
# The period is prime: bytes that arrive shifted by any round number differ from those that were sent.
_PERIOD = 65_521
_NOISE = random.Random("filler")  # noqa: S311 (no secret)
_FILLER = "".join(_NOISE.choices(string.ascii_letters, k=_PERIOD)).encode() * 16


@dataclass(frozen=True)
class Content:
    """One immutable file: `head`, then `filler` bytes of noise, then `tail`."""

    media_type: str
    head: bytes
    filler: int = 0
    tail: bytes = b""

    @property
    def size(self) -> int:
        """The file's length in bytes."""
        return len(self.head) + self.filler + len(self.tail)

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to but not including `end`, in pieces of at most `PIECE` bytes."""
        position, end = start, self.size if end is None else min(end, self.size)
        while position < end:
            piece = self._at(position, min(PIECE, end - position))
            position += len(piece)
            yield piece

    @cached_property
    def sha256(self) -> str:
        """The digest of all bytes, in hex. Reads them once: call it off the event loop when they are many."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def _at(self, position: int, length: int) -> bytes:
        """At least one and at most `length` bytes from `position` on, whatever one part holds of them."""
        if position < len(self.head):
            return self.head[position : position + length]
        position -= len(self.head)
        if position < self.filler:
            return filler(position, min(length, self.filler - position))
        position -= self.filler
        return self.tail[position : position + length]


def filler(position: int, length: int) -> bytes:
    """At least one and at most `length` bytes of the endless filler, from `position` on."""
    offset = position % _PERIOD
    return _FILLER[offset : offset + length]
