"""How each format takes filler so that every reader still opens the file.

Each function takes a complete file and the wanted size in bytes and returns a `Content` of exactly that size.
A wish that is smaller than the file, or too close to it for the format's own frame around the filler, or
beyond what the format can hold, changes nothing.
"""

import struct
import zlib

from sandbox import content

_PNG_END = 12  # the IEND chunk
_ID3_LIMIT = 2**28 - 1  # a tag's length has 28 bits


def png(image: bytes, size: int | None) -> content.Content:
    """Filler in a private ancillary chunk before IEND, its checksum included."""
    room = (size or 0) - len(image) - 12
    if room < 0:
        return content.Content("image/png", image)
    checksum, position = zlib.crc32(b"flLr"), 0
    while position < room:
        piece = content.filler(position, room - position)
        checksum = zlib.crc32(piece, checksum)
        position += len(piece)
    head = image[:-_PNG_END] + struct.pack(">I4s", room, b"flLr")
    return content.Content("image/png", head, room, struct.pack(">I", checksum) + image[-_PNG_END:])


def jpeg(image: bytes, size: int | None) -> content.Content:
    """Filler after the end-of-image marker, which is where a reader stops."""
    return content.Content("image/jpeg", image, max(0, (size or 0) - len(image)))


def mp4(video: bytes, size: int | None) -> content.Content:
    """Filler in a `free` box at the end, its length in 64 bits."""
    room = (size or 0) - len(video) - 16
    if room < 0:
        return content.Content("video/mp4", video)
    return content.Content("video/mp4", video + struct.pack(">I4sQ", 1, b"free", room + 16), room)


def wav(sound: bytes, size: int | None) -> content.Content:
    """Filler in a JUNK chunk after the samples; the RIFF header counts it."""
    room = (size or 0) - len(sound) - 8
    if room < 0:
        return content.Content("audio/wav", sound)
    head = sound[:4] + struct.pack("<I", len(sound) + room) + sound[8:] + struct.pack("<4sI", b"JUNK", room)
    return content.Content("audio/wav", head, room)


def mp3(sound: bytes, size: int | None) -> content.Content:
    """Filler in a private frame of an ID3 tag in front (at most 256 MiB)."""
    room = (size or 0) - len(sound) - 22
    if not 0 <= room <= _ID3_LIMIT - 12:
        return content.Content("audio/mpeg", sound)
    tag = b"ID3\x04\x00\x00" + _seven_bits(room + 12) + b"PRIV" + _seven_bits(room + 2) + b"\0\0" + b"f\0"
    return content.Content("audio/mpeg", tag, room, sound)


def svg(drawing: str, size: int | None) -> content.Content:
    """Filler in a comment before the closing tag."""
    head, tail = drawing.removesuffix("</svg>\n") + "<!--", "--></svg>\n"
    room = (size or 0) - len(head.encode()) - len(tail)
    if room < 0:
        return content.Content("image/svg+xml", drawing.encode())
    return content.Content("image/svg+xml", head.encode(), room, tail.encode())


def after(media_type: str, file: bytes, size: int | None) -> content.Content:
    """Filler after the end, for formats that say themselves where they end (tar, an FBX's last comment)."""
    return content.Content(media_type, file, max(0, (size or 0) - len(file)))


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
