"""How large a film in WebM or Matroska is, and how long it lasts, from the few elements at its beginning that say so.

Elements lie in one another (RFC 8794, 9559): an id, a size, the content. Both numbers tell by the zeros in front of
their first 1 how many bytes they have; an id keeps that 1, a size loses it. A size of ones alone means: to the end.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

ELEMENTS_AT_MOST = 1_000

_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
_WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_CONTAINERS = frozenset({_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO})
_NUMBERS = frozenset({_WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT, _SCALE})
_PIXELS = 0  # the unit of what is shown, unless it is a ratio, inches …
_NANOSECONDS = 1_000_000  # of a tick, unless a file says otherwise


class Readable(Protocol):
    """What is read of a file."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go there; the new position."""


@dataclass(frozen=True)
class Film:
    """Pixels as shown, of the first track that says so, and seconds; None where the file does not say."""

    size: tuple[int, int] | None
    seconds: float | None


def read(file: Readable) -> Film:
    """Read what is there before the first pictures. Raises what the file raises."""
    size, ticks, scale = None, None, _NANOSECONDS
    video: dict[int, int] = {}
    for element, content in _elements(file):
        if element == _VIDEO:
            size, video = size or _shown(video), {}
        elif element == _SCALE:
            scale = _number(content)
        elif element == _DURATION and len(content) in (4, 8):
            (ticks,) = struct.unpack(">f" if len(content) == 4 else ">d", content)
        elif element in _NUMBERS:
            video[element] = _number(content)
    seconds = None if ticks is None else ticks * scale / 1e9
    return Film(size or _shown(video), seconds if seconds is not None and math.isfinite(seconds) else None)


def _elements(file: Readable) -> Iterator[tuple[int, bytes]]:
    """Containers that matter, without content, and then what is in them; of the rest the numbers that matter."""
    position, end = 0, file.seek(0, 2)
    for _ in range(ELEMENTS_AT_MOST):
        file.seek(position)
        head = file.read(12)
        element, of_id = _variable(head, keeps_marker=True)
        size, of_size = _variable(head[of_id:], keeps_marker=False)
        if not of_id or not of_size or element == _CLUSTER:
            return
        begin = position + of_id + of_size
        is_unknown = size == (1 << 7 * of_size) - 1
        if element in _CONTAINERS:
            yield element, b""
            position = begin
            continue
        if is_unknown or begin + size > end:
            return
        if element in _NUMBERS or element == _DURATION:
            file.seek(begin)
            yield element, file.read(min(size, 8))
        position = begin + size


def _variable(head: bytes, *, keeps_marker: bool) -> tuple[int, int]:
    """A number of variable length, and its length; of none both are 0."""
    if not head or not head[0]:
        return 0, 0
    length = 9 - head[0].bit_length()
    if len(head) < length:
        return 0, 0
    number = int.from_bytes(head[:length])
    return number if keeps_marker else number & (1 << 7 * length) - 1, length


def _shown(video: dict[int, int]) -> tuple[int, int] | None:
    width, height = video.get(_WIDTH, 0), video.get(_HEIGHT, 0)
    if video.get(_SHOWN_UNIT, _PIXELS) == _PIXELS:
        width, height = video.get(_SHOWN_WIDTH, width), video.get(_SHOWN_HEIGHT, height)
    return (width, height) if width and height else None


def _number(content: bytes) -> int:
    return int.from_bytes(content)
