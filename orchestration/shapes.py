"""What a blob looks like: the shapes by which content is recognised in a document of Civitai's.

Civitai adds step types every month, so no table of them is used. The shapes, strongest first:

1. An object that names a blob: `blobId` (or `blobKey`, as jobs say).
2. An object with `id` or `url` that also says `available` or `urlExpiresAt`, or whose `type` is a medium and
   which has an `id`.
3. A bundle: `url` and `entryCount`.
4. An object with an http(s) `url` under a key that names a medium (`images`, `videoBlob` …), or under any key
   when it has nothing but a blob's fields and at least one of them besides `url` and `type`.
5. A bare http(s) URL, whole value, in or under a key that names a medium (`blobUrl`, `sampleImages[]`,
   `videos[]`), unless the key says that it is what the work started from (`sourceImage`).
6. A bare id in `blobIds[]`.

4 and 5 do not hold within text (`message`, `content`, `choices` …): a link in an answer is no result.
"""

import re

from orchestration import wire
from orchestration.wire import JsonObject

ID_KEYS = ("blobId", "blobKey", "id")

_FIELDS = frozenset(
    {"type", "$type", "id", "blobId", "available", "url", "urlExpiresAt", "jobId", "nsfwLevel", "blockedReason"}
    | {"width", "height", "previewUrl", "previewUrlExpiresAt", "duration", "durationMs", "format"}
    | {"mimeType", "contentType", "size", "sizeBytes"}
)
_HINTS = frozenset({"urlExpiresAt", "previewUrlExpiresAt", "blobId", "blobKey"})
_NO_EVIDENCE = frozenset({"type", "$type", "url", "format"})
_MEDIA_TYPES = frozenset({"image", "video", "audio", "model3d"})
_MEDIA_WORDS = frozenset(
    {"image", "video", "audio", "blob", "frame", "sample", "thumbnail", "svg", "preview"}
    | {"media", "file", "clip", "track", "song"}
)
_SOURCE_WORDS = frozenset({"input", "source", "original", "reference"})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_blob(value: JsonObject, key: str, *, in_text: bool) -> bool:
    """Say whether an object is a blob; `key` is the property that it, or the list it is in, belongs to."""
    if any(wire.is_identifier(value.get(name)) for name in ("blobId", "blobKey")) or is_bundle(value):
        return True
    if ("id" in value or "url" in value) and (
        isinstance(value.get("available"), bool) or isinstance(value.get("urlExpiresAt"), str)
    ):
        return True
    if kind(value) in _MEDIA_TYPES and wire.is_identifier(value.get("id")):
        return True
    if in_text or not wire.is_url(value.get("url")):
        return False
    return names_media(key) or (value.keys() <= _FIELDS and not value.keys() <= _NO_EVIDENCE)


def can_be_fetched(value: JsonObject) -> bool:
    """Say whether a blob names its content, or at least says that there is none yet."""
    if wire.is_url(value.get("url")) or any(wire.is_identifier(value.get(key)) for key in ID_KEYS):
        return True
    return value.get("available") is False


def hints_at_blob(value: JsonObject) -> bool:
    """Say whether an object that is no blob has a field that, so far, blobs alone have."""
    return not value.keys().isdisjoint(_HINTS)


def is_bundle(value: JsonObject) -> bool:
    """Say whether an object is an archive of blobs that are kept elsewhere too."""
    return "entryCount" in value and wire.is_url(value.get("url"))


def names_media(key: str) -> bool:
    """Say whether what stands under this key is media that the work made."""
    words = _words(key)
    return not words.isdisjoint(_MEDIA_WORDS) and words.isdisjoint(_SOURCE_WORDS)


def names_preview(key: str) -> bool:
    """Say whether what stands under this key is a smaller likeness of something else."""
    return "preview" in _words(key)


def kind(value: JsonObject) -> str | None:
    """What Civitai calls this blob: `image`, `video` …"""
    return wire.text(value.get("type")) or wire.text(value.get("$type"))


def _words(key: str) -> set[str]:
    """`sampleImages` → sample, samples, image, images: each word with and without its plural's s."""
    words = {word.lower() for word in _WORDS.findall(key)}
    return words | {word.removesuffix("s") for word in words}
