"""How large a picture is and how long a film or a sound lasts, read from the bytes without decoding them.

Pictures are measured by imagesize, sounds and films by tinytag or by us: all are Python alone, so that no file, however
hostile, can crash us; and all read through `Frugal`, so that none can keep us long.
"""

import math
import struct
from typing import BinaryIO, cast

import imagesize
import tinytag

from archive.media import matroska

READ_AT_MOST = 4 << 20
CALLS_AT_MOST = 20_000
BOXES_AT_MOST = 1_000

_LASTING = frozenset(
    {"audio/aiff", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "video/mp4", "video/quicktime"}
)
"""What tinytag reads; of others it makes something up (raw AAC) or nothing."""

_MATROSKA = frozenset({"video/webm", "video/x-matroska"})
_CONTAINERS = frozenset({b"moov", b"trak"})
_LARGEST = 2**31 - 1


class TooLaborious(Exception):
    """It would take more reading to measure this file than we spend on it."""


class Frugal:
    """As much of a file as the parsers use: up to so many bytes in so many calls; then TooLaborious is raised."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes, self._calls = READ_AT_MOST, CALLS_AT_MOST

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, all that is left if that is None or negative."""
        wanted = self._bytes + 1 if size is None or size < 0 else size
        self._spend(calls=1)
        read = self._file.read(min(wanted, self._bytes + 1))
        self._spend(size=len(read))
        return read

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there; the new position."""
        self._spend(calls=1)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def _spend(self, *, calls: int = 0, size: int = 0) -> None:
        self._calls -= calls
        self._bytes -= size
        if self._calls < 0 or self._bytes < 0:
            raise TooLaborious


def dimensions(file: BinaryIO, media_type: str) -> tuple[int, int] | None:
    """Width and height of a picture or a film in pixels, None if the bytes do not say. Raises what a parser raises."""
    file.seek(0)
    frugal = Frugal(file)
    if media_type in ("video/mp4", "video/quicktime"):
        return _track_size(frugal)
    if media_type in _MATROSKA:
        size = matroska.read(frugal).size
        return None if size is None else _pixels(*size)
    if not media_type.startswith("image/"):
        return None
    width, height = imagesize.get_info(frugal, dpi=False, colors=False, channels=False)[:2]
    return _pixels(width, height)


def duration(file: BinaryIO, media_type: str) -> float | None:
    """Seconds that a sound or a film lasts, None if the bytes do not say. Raises what a parser raises."""
    file.seek(0)
    if media_type in _MATROSKA:
        seconds = matroska.read(Frugal(file)).seconds
    elif media_type in _LASTING:
        seconds = tinytag.TinyTag.get(file_obj=cast(BinaryIO, Frugal(file)), tags=False).duration
    else:
        return None
    return float(seconds) if seconds is not None and math.isfinite(seconds) and 0 < seconds <= _LARGEST else None


def _track_size(file: Frugal) -> tuple[int, int] | None:
    """The size of the first track that has one: in ISO base media files, the last 8 bytes of the track's header.

    Boxes lie in one another: a 32-bit size, a type, the content; size 1 puts a 64-bit size behind the type, 0 means
    to the end.
    """
    end = file.seek(0, 2)
    waiting = [(0, end)]
    for _ in range(BOXES_AT_MOST):
        if not waiting:
            return None
        start, end = waiting.pop()
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            continue
        size, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if size == 1 and len(head) == 16:
            size, header = struct.unpack(">Q", head[8:])[0], 16
        size = size or end - start
        if size < header or start + size > end:
            continue
        waiting.append((start + size, end))
        if kind in _CONTAINERS:
            waiting.append((start + header, start + size))
        elif kind == b"tkhd" and size >= header + 8:
            file.seek(start + size - 8)
            width, height = struct.unpack(">II", file.read(8))
            if found := _pixels(width / 65536, height / 65536):
                return found
    return None


def _pixels(width: float, height: float) -> tuple[int, int] | None:
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        return None
    return max(1, round(width)), max(1, round(height))
