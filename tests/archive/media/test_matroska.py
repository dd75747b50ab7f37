"""Films in WebM and Matroska, element by element; whole ones, encoded for real, are in test_measures.py."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.media import matroska
from archive.media.matroska import Film

UNKNOWN = b"\xff"
DURATION = 0x4489
HEADER = bytes.fromhex("1a45dfa3 84 42868101")


def element(number: int, content: bytes, *, size: bytes | None = None) -> bytes:
    length = (number.bit_length() + 7) // 8
    said = struct.pack(">Q", 1 << 56 | len(content)) if size is None else size
    return number.to_bytes(length) + said + content


def number(name: int, value: int) -> bytes:
    return element(name, value.to_bytes(4))


def info(*elements: bytes) -> bytes:
    return element(0x1549A966, b"".join(elements))


def tracks(*videos: bytes) -> bytes:
    return element(0x1654AE6B, b"".join(element(0xAE, video) for video in videos))


def video(*elements: bytes) -> bytes:
    return element(0xE0, b"".join(elements))


def pixels(width: int, height: int) -> bytes:
    return number(0xB0, width) + number(0xBA, height)


def film(*elements: bytes, size: bytes | None = None) -> bytes:
    return HEADER + element(0x18538067, b"".join(elements), size=size)


PICTURES = element(0x1F43B675, bytes(1000))
SECOND = element(DURATION, struct.pack(">d", 1000.0))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (film(info(SECOND), tracks(video(pixels(64, 48)))), Film((64, 48), 1.0)),
        (film(tracks(video(pixels(64, 48))), info(SECOND), PICTURES), Film((64, 48), 1.0)),
        (film(info(SECOND), tracks(video(pixels(64, 48))), PICTURES, size=UNKNOWN), Film((64, 48), 1.0)),
        (film(PICTURES, info(SECOND)), Film(None, None)),
        (film(info(element(DURATION, struct.pack(">f", 2.5)), number(0x2AD7B1, 10**9))), Film(None, 2.5)),
        (film(info(element(DURATION, struct.pack(">d", float("inf"))))), Film(None, None)),
        (film(info(element(DURATION, b"abc"))), Film(None, None)),
        (film(tracks(element(0x83, b"\2"), video(pixels(64, 48)), video(pixels(8, 8)))), Film((64, 48), None)),
        (film(tracks(video(pixels(0, 48)), video(pixels(8, 8)))), Film((8, 8), None)),
        (film(tracks(video(pixels(64, 48), number(0x54B0, 128), number(0x54BA, 48)))), Film((128, 48), None)),
        (
            film(tracks(video(pixels(64, 48), number(0x54B0, 4), number(0x54BA, 3), number(0x54B2, 3)))),
            Film((64, 48), None),
        ),
        (film(element(0xEC, bytes(1)) * 2 * matroska.ELEMENTS_AT_MOST, tracks(video(pixels(8, 8)))), Film(None, None)),
        (film(element(0xEC, b"", size=b"\x40\xff"), tracks(video(pixels(8, 8)))), Film(None, None)),
        (film(element(0xEC, b"", size=UNKNOWN), tracks(video(pixels(8, 8)))), Film(None, None)),
        (HEADER + b"\0\0\0", Film(None, None)),
        (HEADER, Film(None, None)),
        (b"", Film(None, None)),
    ],
)
def test_a_film_is_what_its_first_elements_say(content: bytes, found: Film) -> None:
    assert matroska.read(io.BytesIO(content)) == found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(content: bytes) -> None:
    matroska.read(io.BytesIO(content))
    matroska.read(io.BytesIO(film(content)))
