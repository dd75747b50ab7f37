"""Pictures, moving pictures and sounds, encoded with PyAV. Blocking: call it in a thread.

A picture is a small grid of smooth waves, enlarged by the scaler: pleasant to look at, cheap at any size. Encoding is
what costs: a few looks of each shape are encoded once, and a mark makes every file a different one.
"""

import array
import functools
import io
import math
import random
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av.video.reformatter import Interpolation

from sandbox import content, marks, padding

LOOKS = 12  # of each shape
ENCODED = 120  # files of each kind that are kept
GRID = 20  # waves are computed on a square of this many points
FRAME_RATE = 12  # frames a second
SAMPLE_RATE = 22_050  # samples a second
_PENTATONIC = (0, 2, 4, 7, 9, 12, 14, 16)  # semitones above A3


@dataclass(frozen=True)
class Edition:
    """One of the looks, and the mark that only this file has."""

    look: int
    mark: bytes

    @classmethod
    def draw(cls, dice: random.Random) -> "Edition":
        """A look and a mark by chance."""
        return cls(dice.randrange(LOOKS), f"{dice.getrandbits(64):016x}".encode())


class Palette:
    """The waves of one look: for red, green and blue a level, a direction, a length and a phase."""

    def __init__(self, look: int) -> None:
        dice = random.Random(f"look {look}")  # noqa: S311 (repeatable, no secret)
        hue = dice.random() * math.tau
        self._channels = [
            (
                128 + 52 * math.cos(hue + channel * math.tau / 3),
                dice.uniform(-2.6, 2.6) / GRID,
                dice.uniform(-2.6, 2.6) / GRID,
                dice.random() * math.tau,
            )
            for channel in range(3)
        ]

    def frame(self, width: int, height: int, turn: float = 0.0) -> av.VideoFrame:
        """One RGB frame; `turn` moves the waves on, for films (radians)."""
        small = av.VideoFrame(GRID, GRID, "rgb24")
        plane = small.planes[0]
        rows = (self._row(y, turn).ljust(plane.line_size, b"\0") for y in range(GRID))
        plane.update(b"".join(rows))
        return small.reformat(width, height, "rgb24", interpolation=Interpolation.BICUBIC)

    def _row(self, y: int, turn: float) -> bytes:
        return bytes(
            int(level + 72 * math.sin(x * across * 2 + y * down * 2 + phase + turn))
            for x in range(GRID)
            for level, across, down, phase in self._channels
        )


def png(edition: Edition, width: int, height: int, size: int | None = None) -> content.Content:
    """A PNG image of that many pixels."""
    return padding.png(marks.png(_still("png", "rgb24", edition.look, width, height), edition.mark), size)


def jpeg(edition: Edition, width: int, height: int, size: int | None = None) -> content.Content:
    """A JPEG image of that many pixels."""
    return padding.jpeg(marks.jpeg(_still("mjpeg", "yuvj420p", edition.look, width, height), edition.mark), size)


def mp4(edition: Edition, width: int, height: int, seconds: float, size: int | None = None) -> content.Content:
    """An H.264 film without sound; width and height must be even."""
    return padding.mp4(marks.mp4(_film(edition.look, width, height, seconds), edition.mark), size)


def wav(edition: Edition, seconds: float, size: int | None = None) -> content.Content:
    """A melody as 16-bit mono PCM."""
    return padding.wav(marks.wav(_pcm(edition.look, seconds), edition.mark), size)


def mp3(edition: Edition, seconds: float, size: int | None = None) -> content.Content:
    """A melody as MP3, mono."""
    return padding.mp3(marks.mp3(_mp3(edition.look, seconds), edition.mark), size)


@functools.lru_cache(ENCODED)
def _film(look: int, width: int, height: int, seconds: float) -> bytes:
    palette, file = Palette(look), io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=FRAME_RATE, options={"preset": "ultrafast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1  # many small films at once: threads would only wait for each other
        for number in range(max(1, round(seconds * FRAME_RATE))):
            frame = palette.frame(width, height, turn=number * math.tau / 36).reformat(format="yuv420p")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return file.getvalue()


@functools.lru_cache(ENCODED)
def _pcm(look: int, seconds: float) -> bytes:
    samples = _melody(look, seconds)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE,
                       SAMPLE_RATE * 2, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", len(samples)) + samples


@functools.lru_cache(ENCODED)
def _mp3(look: int, seconds: float) -> bytes:
    samples = _melody(look, seconds)
    frame = av.AudioFrame(format="s16p", layout="mono", samples=len(samples) // 2)
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"id3v2_version": "0"}) as sound:
        stream = sound.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = 64_000
        sound.mux(stream.encode(frame))
        sound.mux(stream.encode(None))
    return file.getvalue()


@functools.cache
def placeholder() -> bytes:
    """The dull JPEG that is shown in place of what is withheld."""
    frame = av.VideoFrame(64, 64, "gray")
    frame.planes[0].update(bytes([72]) * frame.planes[0].buffer_size)
    return _encode("mjpeg", "yuvj420p", frame.reformat(512, 512))


@functools.lru_cache(ENCODED)
def _still(codec: str, pixels: str, look: int, width: int, height: int) -> bytes:
    return _encode(codec, pixels, Palette(look).frame(width, height))


def _encode(codec: str, pixels: str, picture: av.VideoFrame) -> bytes:
    encoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, pixels
    encoder.time_base = Fraction(1, 1)
    if codec == "mjpeg":
        encoder.options = {"qmin": "2", "qmax": "4"}
    frame = picture.reformat(format=pixels)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _melody(look: int, seconds: float) -> bytes:
    """A quarter of a second a note, each swelling and fading: 16-bit little-endian samples."""
    dice = random.Random(f"melody {look}")  # noqa: S311 (repeatable, no secret)
    note_length, total = SAMPLE_RATE // 4, round(SAMPLE_RATE * seconds)
    samples = array.array("h")
    while len(samples) < total:
        pitch = 220 * 2 ** (dice.choice(_PENTATONIC) / 12) * math.tau / SAMPLE_RATE
        samples.extend(
            int(9_000 * math.sin(math.pi * t / note_length) * math.sin(pitch * t)) for t in range(note_length)
        )
    return samples[:total].tobytes()
