"""What kind of file some bytes are the beginning of.

Signatures come from puremagic, which knows thousands; from its answers only those are taken that we have a name for,
since it guesses too. What it lacks or cannot tell apart, and what we get most of, is recognised here first.
"""

import codecs
import json
import re
import struct

import puremagic

HEAD_BYTES = 8192
"""As much of a file as `media_type` needs."""

_PLAIN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"glTF", "model/gltf-binary"),
    (b"Kaydara FBX Binary", "application/vnd.autodesk.fbx"),
    (b"; FBX ", "application/vnd.autodesk.fbx"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
)

# ISO base media files say at byte 8 what they are; what is not listed is a film.
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
}

_NAMES = {
    ".7z": "application/x-7z-compressed",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".avi": "video/x-msvideo",
    ".bmp": "image/bmp",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".gz": "application/gzip",
    ".jxl": "image/jxl",
    ".mkv": "video/x-matroska",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".tar": "application/x-tar",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
"""puremagic's extension → the media type, in one spelling."""

_SAFETENSORS_HEADER_AT_MOST = 100 << 20  # bytes, the format's own limit
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_JSON = re.compile(r"""\{\s*(?:["}]|$)|\[\s*(?:[\[\]{"\d-]|true|false|null|$)""")
_WAVEFRONT = re.compile(r"^(?:v -?[\d.]|mtllib |o |g )", re.MULTILINE)

# MPEG audio, layer III. A frame's header has numbers for the version (3: 1, 2: 2, 0: 2.5), bit rate and sample rate.
_KILOBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_OF_VERSION_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def media_type(head: bytes) -> str | None:
    """The media type of a file that begins so; None for what nobody knows. Never raises."""
    for signature, name in _PLAIN:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if _is_safetensors(head):
        return "application/x-safetensors"
    if (text := _text(head)) is not None:
        return _kind_of_text(text)
    return _looked_up(head) or ("audio/mpeg" if _is_mpeg_audio(head) else None)


def is_text(media_type: str) -> bool:
    """Whether files of this type are for people or programs to read, not to look at or to listen to."""
    return media_type.startswith("text/") or media_type in ("application/json", "application/xml")


def _looked_up(head: bytes) -> str | None:
    if not head:
        return None
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    return next((_NAMES[match.extension] for match in found if match.extension in _NAMES), None)


def _text(head: bytes) -> str | None:
    """The head as text, if it is text: UTF-8 without control characters. A character may be cut at the end."""
    if not head or _CONTROLS.search(head):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None


def _kind_of_text(text: str) -> str:
    text = text.lstrip()
    lower = text[:1024].lower()
    if lower.startswith("<"):
        if "<!doctype html" in lower or "<html" in lower:
            return "text/html"
        return "image/svg+xml" if "<svg" in text else "application/xml"
    if _JSON.match(text):
        is_gltf = '"asset"' in text and any(f'"{part}"' in text for part in ("scenes", "nodes", "meshes", "buffers"))
        return "model/gltf+json" if is_gltf else "application/json"
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return "model/obj" if _WAVEFRONT.match(lines.lstrip()) else "text/plain"


def _is_safetensors(head: bytes) -> bool:
    """A little-endian length, then a JSON object of that length that says where each tensor lies."""
    if len(head) < 16 or head[8:9] != b"{":
        return False
    (length,) = struct.unpack_from("<Q", head)
    if not 2 <= length <= _SAFETENSORS_HEADER_AT_MOST:
        return False
    if 8 + length > len(head):
        return b'"' in head[9:64]
    try:
        return isinstance(json.loads(head[8 : 8 + length]), dict)
    except (ValueError, RecursionError):
        return False


def _is_mpeg_audio(head: bytes) -> bool:
    """Two frames of layer III, one after the other: an MP3 without a tag says no more of itself."""
    length = _frame_length(head)
    return length is not None and _frame_length(head[length:]) is not None


def _frame_length(head: bytes) -> int | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate == 3 or not 0 < bitrate < 15:
        return None
    samples, kilobits = (1152, _KILOBITS) if version == 3 else (576, _KILOBITS_OF_VERSION_2)
    return samples // 8 * kilobits[bitrate] * 1000 // _SAMPLE_RATES[version][rate] + (head[2] >> 1 & 1)
