"""What received bytes really are, and whether they can be the result that was promised."""

import asyncio
from dataclasses import dataclass

import structlog

from archive.media import measures, signatures
from archive.storage.incoming import Incoming

TINY_BYTES = 24
"""No picture, film or sound is smaller."""

LITTLE_BYTES = 1 << 16
"""What is no larger is hashed and looked at on the spot: the way to a thread and back takes longer."""

_MEDIA = frozenset({"image", "video", "audio"})
_STILLS = frozenset({"image/png", "image/jpeg", "image/svg+xml", "image/bmp", "image/tiff"})
_PAGES = frozenset({"document", "html", "page", "text"})
"""The kinds of which a web page may be the result, and not what a host says of its own trouble."""

_NO_MODELS = frozenset({"text/html", "application/json"})

log = structlog.get_logger()


@dataclass(frozen=True)
class Facts:
    """What the bytes say of themselves; None where they do not. Pixels as shown, duration in seconds."""

    size: int
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None


async def inspect(incoming: Incoming) -> Facts:
    """Look at a content that has come whole. Raises StorageUnavailable, and nothing else whatever the bytes are."""
    if incoming.is_in_memory and incoming.size <= LITTLE_BYTES:
        return _inspect(incoming)
    return await asyncio.to_thread(_inspect, incoming)


def mismatch(kind: str | None, claimed: str | None, facts: Facts) -> str | None:
    """Why these bytes cannot be a result of that kind, in words; None if they can.

    `kind` is Civitai's word for it, `claimed` the media type that came with the bytes and counts where there is no
    kind. A doubt is no reason: what is refused here is fetched again until it is dead, so formats that nobody knows,
    and kinds, pass.
    """
    if facts.size == 0:
        return "it is empty"
    promised = (kind or (claimed or "").partition("/")[0]).lower()
    found = facts.media_type
    if promised in _MEDIA:
        if facts.size < TINY_BYTES:
            return f"{facts.size} bytes are no {promised}"
        if found is not None and signatures.is_text(found):
            return f"it is {found}, not {promised}"
        if promised != "image" and found in _STILLS:
            return f"it is {found}, a placeholder perhaps, not {promised}"
    elif promised in ("model", "model3d") and (found in _NO_MODELS or found in _STILLS):
        return f"it is {found}, not a model"
    elif found == "text/html" and (kind is None or promised not in _PAGES):
        return "it is a web page"
    return None


def _inspect(incoming: Incoming) -> Facts:
    with incoming.opened() as file:
        found = signatures.media_type(file.read(signatures.HEAD_BYTES))
        if found is None:
            return Facts(incoming.size)
        width, height, seconds = None, None, None
        try:
            width, height = measures.dimensions(file, found) or (None, None)
            seconds = measures.duration(file, found)
        except Exception as error:  # a parser of others, and bytes of anybody's: all we lose is a figure
            log.debug("could not measure a content", media_type=found, error=repr(error))
        return Facts(incoming.size, found, width, height, seconds)
