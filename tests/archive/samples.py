"""Real files of the formats that results have, encoded here: a name, the bytes, and what is true of them."""

import functools
import io
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av

from sandbox import content, files

WIDTH, HEIGHT = 64, 48
DICE = random.Random(1)  # noqa: S311 - nothing secret


@dataclass(frozen=True)
class Sample:
    name: str
    bytes: bytes
    media_type: str
    dimensions: tuple[int, int] | None = None
    duration: float | None = None


@functools.cache
def all_samples() -> tuple[Sample, ...]:
    return (*_pictures(), *_films(), *_sounds(), *_models(), *_texts())


def _pictures() -> Iterator[Sample]:
    size = (WIDTH, HEIGHT)
    for name, container, codec, pixels in (
        ("png", "image2pipe", "png", "rgb24"),
        ("jpeg", "image2pipe", "mjpeg", "yuvj420p"),
        ("gif", "gif", "gif", "rgb8"),
        ("webp", "image2pipe", "libwebp", "yuv420p"),
        ("bmp", "image2pipe", "bmp", "bgr24"),
        ("tiff", "image2pipe", "tiff", "rgb24"),
    ):
        yield Sample(name, _film(container, codec, pixels, 1), f"image/{name}", size)
    # Kept, since libsvtav1, run by root, makes the process real-time that calls it, and all that this one starts.
    yield Sample("avif", (Path(__file__).parent / "picture.avif").read_bytes(), "image/avif", size)
    yield Sample("svg", _whole(files.svg(DICE)), "image/svg+xml", (256, 256))


def _films() -> Iterator[Sample]:
    size = (WIDTH, HEIGHT)
    yield Sample("mp4", _film("mp4", "libx264", "yuv420p", 24), "video/mp4", size, 2.0)
    yield Sample("mov", _film("mov", "libx264", "yuv420p", 24), "video/quicktime", size, 2.0)
    yield Sample("webm", _film("webm", "libvpx-vp9", "yuv420p", 24), "video/webm", size, 2.0)
    yield Sample("mkv", _film("matroska", "libx264", "yuv420p", 24), "video/x-matroska", size, 2.0)
    yield Sample("avi", _film("avi", "mpeg4", "yuv420p", 24), "video/x-msvideo")


def _sounds() -> Iterator[Sample]:
    yield Sample("wav", _sound("wav", "pcm_s16le"), "audio/wav", None, 2.0)
    yield Sample("mp3", _sound("mp3", "libmp3lame", {"id3v2_version": "0"}), "audio/mpeg", None, 2.0)
    yield Sample("mp3 with a tag", _sound("mp3", "libmp3lame", title="a tag"), "audio/mpeg", None, 2.0)
    yield Sample("flac", _sound("flac", "flac"), "audio/flac", None, 2.0)
    yield Sample("opus", _sound("ogg", "libopus"), "audio/ogg", None, 2.0)
    yield Sample("m4a", _sound("ipod", "aac"), "audio/mp4", None, 2.0)
    yield Sample("aiff", _sound("aiff", "pcm_s16be"), "audio/aiff", None, 2.0)


def _models() -> Iterator[Sample]:
    yield Sample("safetensors", _whole(files.safetensors(DICE)), "application/x-safetensors")
    large = b'{"__metadata__": {"format": "pt"}' + b" " * 20_000 + b"}"
    yield Sample("safetensors with a large header", struct.pack("<Q", len(large)) + large, "application/x-safetensors")
    yield Sample("glb", _whole(files.glb(DICE)), "model/gltf-binary")
    yield Sample("gltf", b'{"asset": {"version": "2.0"}, "scenes": []}', "model/gltf+json")
    yield Sample("fbx as text", _whole(files.fbx(DICE)), "application/vnd.autodesk.fbx")
    yield Sample("fbx", b"Kaydara FBX Binary  \0\x1a\0" + bytes(100), "application/vnd.autodesk.fbx")
    yield Sample("obj", b"# made by hand\n\nv 1.0 2.0 3.0\nv 1 -2 3\nf 1 2 1\n", "model/obj")
    yield Sample("zip", _whole(files.bundle([("a.txt", b"a")])), "application/zip")
    yield Sample("tar", _whole(files.tar(DICE)), "application/x-tar")


def _texts() -> Iterator[Sample]:
    yield Sample("json", _whole(files.objects(DICE)), "application/json")
    yield Sample("json list", b' [ {"title": "not found"} ]', "application/json")
    yield Sample("html", b"\n <!DOCTYPE HTML>\n<title>502 Bad Gateway</title>", "text/html")
    yield Sample("html without a type", b"<HTML><body>Sign in</body></HTML>", "text/html")
    yield Sample("xhtml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"></html>', "text/html")
    yield Sample("xml", b'\xef\xbb\xbf<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "application/xml")
    yield Sample("text", "Grüß Gott, das ist [kein] {JSON}.".encode(), "text/plain")
    yield Sample("text that is cut in a letter", "ü".encode() * 4096 + b"\xc3", "text/plain")


def _film(container: str, codec: str, pixels: str, frames: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as film:
        stream = cast(av.VideoStream, film.add_stream(codec, rate=12))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for number in range(frames):
            frame = av.VideoFrame(WIDTH, HEIGHT, "rgb24")
            plane = frame.planes[0]
            plane.update(DICE.randbytes(plane.buffer_size))
            frame = frame.reformat(format=pixels)
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return file.getvalue()


def _sound(container: str, codec: str, options: dict[str, str] | None = None, **tags: str) -> bytes:
    file, rate = io.BytesIO(), 48_000
    with av.open(file, "w", format=container, options=options or {}) as sound:
        sound.metadata.update(tags)
        stream = cast(av.AudioStream, sound.add_stream(codec, rate=rate, layout="mono"))
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 1024)
        for number in range(100):
            frame = av.AudioFrame(format="s16", layout="mono", samples=rate * 2 // 100)
            frame.sample_rate, frame.pts = rate, number * frame.samples
            frame.planes[0].update(DICE.randbytes(frame.planes[0].buffer_size))
            for piece in resampler.resample(frame):
                sound.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            sound.mux(stream.encode(piece))
        sound.mux(stream.encode(None))
    return file.getvalue()


def _whole(file: content.Content) -> bytes:
    return b"".join(file.pieces())
