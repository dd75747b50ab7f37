"""File names made of what others say: a prompt, an id, the name that a server suggests.

What comes out is one name, never a path, that Linux, Windows, macOS and S3 all take, and that shows in a terminal as
it is: no control characters, none that turn the direction of writing, no device of Windows'.
"""

import base64
import functools
import hashlib
import re
import unicodedata

from pathvalidate import sanitize_filename

LONGEST = 200
"""Bytes of UTF-8 in one name. File systems take 255; some of that is left to temporary names and to others' endings."""

UNKNOWN_EXTENSION = "bin"

_REFUSED = frozenset('<>:"/\\|?*')
_DEVICES = ("CONIN$", "CONOUT$")  # which pathvalidate does not know
_PLAIN = re.compile(r"(?!.*__)[A-Za-z0-9_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?")
_LONGEST_DEVICE = 7  # characters, and none begins with a digit
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,12}$")
_EXTENSIONS = {
    "application/gzip": "gz",
    "application/json": "json",
    "application/vnd.autodesk.fbx": "fbx",
    "application/x-7z-compressed": "7z",
    "application/x-safetensors": "safetensors",
    "application/x-tar": "tar",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/aiff": "aiff",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/jpeg": "jpg",
    "image/jxl": "jxl",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "model/gltf+json": "gltf",
    "model/gltf-binary": "glb",
    "model/obj": "obj",
    "text/html": "html",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
}


@functools.lru_cache(maxsize=4096)  # most parts of names are directories, which many files share
def safe(text: str, *, at_most: int = LONGEST) -> str:
    """The nearest name to this text that every file system takes, of at most so many bytes. Never empty.

    Two texts may come out the same; see `distinct`. What is too long loses its middle, not its ending (`.png`).
    """
    is_no_device = text[:1].isdecimal() or len(text.partition(".")[0]) > _LONGEST_DEVICE
    if is_no_device and len(text) < at_most and _PLAIN.fullmatch(text):
        return text  # as most are, in a tenth of the time
    return _made_safe(text, at_most)


def distinct(text: str, *, at_most: int = LONGEST) -> str:
    """The same, for a text that identifies something: where it could not stay as it is, a token of it follows."""
    name = safe(text, at_most=at_most)
    if name == text:
        return name
    mark = token(text)
    return f"{safe(text, at_most=at_most - len(mark) - 1)}-{mark}"


def slug(text: str, *, at_most: int) -> str:
    """The first words of a text, in lower case and joined by `_`, in at most so many bytes; empty if it has none."""
    text = unicodedata.normalize("NFC", text[: 8 * at_most]).lower()
    letters = (each if each.isalnum() or unicodedata.category(each).startswith("M") else " " for each in text)
    words = "_".join("".join(letters).split())
    if len(words.encode()) > at_most:
        shorter = _first_bytes(words, at_most)
        words = shorter.rpartition("_")[0] or shorter
    return words.strip("_")


def token(*parts: str) -> str:
    """Ten letters and digits that are the same whenever the parts are: 50 bits of their SHA-256."""
    told = "\0".join(parts).encode("utf-8", "surrogatepass")
    return base64.b32encode(hashlib.sha256(told).digest()).decode()[:10].lower()


def extension(media_type: str | None) -> str:
    """What files of this media type end in, without the dot; `bin` for what we do not know by its bytes."""
    return _EXTENSIONS.get(media_type or "", UNKNOWN_EXTENSION)


def is_safe(character: str) -> bool:
    """Whether it may stand in a name anywhere but at its ends."""
    return character.isprintable() and character not in _REFUSED


def cut(name: str, at_most: int) -> str:
    """A name of at most so many bytes, its ending kept."""
    if len(name.encode()) <= at_most:
        return name
    found = _ENDING.search(name)
    ending = found[0] if found else ""
    stem = name.removesuffix(ending)
    return _first_bytes(stem, at_most - len(ending)).rstrip(" .") + ending


def _made_safe(text: str, at_most: int) -> str:
    characters = (character if is_safe(character) else "_" for character in unicodedata.normalize("NFC", text))
    name = re.sub("__+", "_", "".join(characters)).strip(" .")
    if name.startswith("-"):
        name = f"_{name[1:]}"  # a shell would take it for an option
    name = cut(name, at_most - 1)  # one byte is left for what follows
    return sanitize_filename(name, platform="universal", additional_reserved_names=_DEVICES) or "_"


def _first_bytes(text: str, count: int) -> str:
    return text.encode()[: max(count, 0)].decode(errors="ignore")
