"""Pictures, moving pictures and sounds, each different, encoded with PyAV. Blocking: call it in a thread.

A picture is a small grid of smooth waves, enlarged by the scaler: pleasant to look at, cheap at any size.
"""

import array
import functools
import io
import math
import random
import struct
from fractions import Fraction
from typing import cast

import av
from av.video.reformatter import Interpolation

from sandbox import content, padding

GRID = 20  # waves are computed on a square of this many points
FRAME_RATE = 12  # frames a second
SAMPLE_RATE = 22_050  # samples a second
_PENTATONIC = (0, 2, 4, 7, 9, 12, 14, 16)  # semitones above A3


class Palette:
    """The waves of one picture: for red, green and blue a level, a direction, a length and a phase."""

    def __init__(self, dice: random.Random) -> None:
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


def png(palette: Palette, width: int, height: int, size: int | None = None) -> content.Content:
    """A PNG image of that many pixels."""
    return padding.png(_still("png", "rgb24", palette, width, height), size)


def jpeg(palette: Palette, width: int, height: int, size: int | None = None) -> content.Content:
    """A JPEG image of that many pixels."""
    return padding.jpeg(_still("mjpeg", "yuvj420p", palette, width, height), size)


def mp4(palette: Palette, width: int, height: int, seconds: float, size: int | None = None) -> content.Content:
    """An H.264 film without sound; width and height must be even."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=FRAME_RATE, options={"preset": "ultrafast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1  # many small films at once: threads would only wait for each other
        for number in range(max(1, round(seconds * FRAME_RATE))):
            frame = palette.frame(width, height, turn=number * math.tau / 36).reformat(format="yuv420p")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return padding.mp4(file.getvalue(), size)


def wav(dice: random.Random, seconds: float, size: int | None = None) -> content.Content:
    """A melody as 16-bit mono PCM."""
    samples = _melody(dice, seconds)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE,
                       SAMPLE_RATE * 2, 2, 16)  # fmt: skip
    return padding.wav(head + struct.pack("<4sI", b"data", len(samples)) + samples, size)


def mp3(dice: random.Random, seconds: float, size: int | None = None) -> content.Content:
    """A melody as MP3, mono."""
    samples = _melody(dice, seconds)
    frame = av.AudioFrame(format="s16p", layout="mono", samples=len(samples) // 2)
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"id3v2_version": "0"}) as sound:
        stream = sound.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = 64_000
        sound.mux(stream.encode(frame))
        sound.mux(stream.encode(None))
    return padding.mp3(file.getvalue(), size)


@functools.cache
def placeholder() -> bytes:
    """The dull JPEG that is shown in place of what is withheld."""
    frame = av.VideoFrame(64, 64, "gray")
    frame.planes[0].update(bytes([72]) * frame.planes[0].buffer_size)
    return _encode("mjpeg", "yuvj420p", frame.reformat(512, 512))


def _still(codec: str, pixels: str, palette: Palette, width: int, height: int) -> bytes:
    return _encode(codec, pixels, palette.frame(width, height))


def _encode(codec: str, pixels: str, picture: av.VideoFrame) -> bytes:
    encoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, pixels
    encoder.time_base = Fraction(1, 1)
    if codec == "mjpeg":
        encoder.options = {"qmin": "2", "qmax": "4"}
    frame = picture.reformat(format=pixels)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _melody(dice: random.Random, seconds: float) -> bytes:
    """A quarter of a second a note, each swelling and fading: 16-bit little-endian samples."""
    note_length, total = SAMPLE_RATE // 4, round(SAMPLE_RATE * seconds)
    samples = array.array("h")
    while len(samples) < total:
        pitch = 220 * 2 ** (dice.choice(_PENTATONIC) / 12) * math.tau / SAMPLE_RATE
        samples.extend(
            int(9_000 * math.sin(math.pi * t / note_length) * math.sin(pitch * t)) for t in range(note_length)
        )
    return samples[:total].tobytes()
