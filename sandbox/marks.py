"""How each format takes a short mark where players ignore it, so that files of one look are still not the same bytes.

Each function takes a complete file and a mark of at most 30 ASCII letters and digits.
"""

import struct
import zlib

_PNG_HEADER = 33  # bytes: the signature and the IHDR chunk


def png(image: bytes, mark: bytes) -> bytes:
    """In a tEXt chunk after the header."""
    chunk = b"tEXtComment\0" + mark
    marked = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return image[:_PNG_HEADER] + marked + image[_PNG_HEADER:]


def jpeg(image: bytes, mark: bytes) -> bytes:
    """In a COM segment after the first one, which says that it is JFIF."""
    (length,) = struct.unpack(">H", image[4:6])
    after_first = 4 + length
    return image[:after_first] + struct.pack(">HH", 0xFFFE, 2 + len(mark)) + mark + image[after_first:]


def mp4(video: bytes, mark: bytes) -> bytes:
    """In a `free` box at the end."""
    return video + struct.pack(">I4s", 8 + len(mark), b"free") + mark


def wav(sound: bytes, mark: bytes) -> bytes:
    """In a JUNK chunk of even length at the end; the RIFF header counts it."""
    chunk = struct.pack("<4sI", b"JUNK", 30) + mark.ljust(30)
    return sound[:4] + struct.pack("<I", len(sound) - 8 + len(chunk)) + sound[8:] + chunk


def mp3(sound: bytes, mark: bytes) -> bytes:
    """As the title of an ID3v1 tag."""
    return sound + b"TAG" + mark.ljust(30) + b" " * 94 + b"\xff"
