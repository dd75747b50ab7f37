"""The finder: every place in a workflow document where content appears."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration import documents, places, shapes, wire
from orchestration.places import ASKED, MAX_DEPTH, Place, Role
from orchestration.wire import JsonObject

_LARGEST_INT = 2**31 - 1
_NO_NAME = "it is a blob by its fields, and names neither a URL nor an id"


@dataclass(frozen=True)
class Found:
    """Content at one place, as the document tells of it. Nothing of it has been checked.

    step: its name as `documents.read` gives it.
    path: `output.images[0]`, `jobs[0].result.blobs[1]`; a key that is no plain word is `["quoted"]`.
    kind: Civitai's word for it. duration: seconds. size: bytes.
    available, blocked_reason: neither available nor blocked means not yet.
    """

    step: str
    path: str
    role: Role
    blob_id: str | None = None
    kind: str | None = None
    url: str | None = None
    url_expires_at: datetime | None = None
    available: bool | None = None
    blocked_reason: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    nsfw_level: str | None = None
    media_type: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Drift:
    """Something that might be content and cannot be read as such: a shape that Civitai did not use before."""

    step: str
    path: str
    reason: str


def look(document: JsonObject) -> tuple[list[Found], list[Drift]]:
    """What `find` and `find_drift` find, in one go."""
    seen = _see(document)
    return [one for one in seen if isinstance(one, Found)], [one for one in seen if isinstance(one, Drift)]


def find(document: JsonObject) -> list[Found]:
    """Find all content in the outputs of all steps and in the results of their jobs, in document order.

    What counts is said in `shapes`. What a step was given (`input`, and the like deeper down) is never looked
    at. No (step, path) comes twice. Never raises; what lies deeper than MAX_DEPTH is not seen.
    """
    return look(document)[0]


def find_drift(document: JsonObject) -> list[Drift]:
    """Find what might be content in the same places and cannot be read as such, in document order."""
    return look(document)[1]


def read_blob(value: JsonObject) -> Found:
    """Read one blob that stands by itself, as a refresh answers with it; step and path are empty."""
    return _blob(value, Place("", "", ""))


def without_blobs(output: Any) -> Any:
    """The output of a step without the content that `find` finds in it: what is left is text and figures."""
    return _without(output, Place("", "", "output"), {})


def _see(document: JsonObject) -> Iterable[Found | Drift]:
    seen: dict[tuple[str, str], Found | Drift] = {}
    for _, name, step in documents.named_steps(document):
        for place, value in places.of_step(name, step):
            for one in _walk(value, place, {}):
                seen.setdefault((one.step, one.path), one)
    return seen.values()


def _walk(value: Any, place: Place, owner: JsonObject) -> Iterator[Found | Drift]:
    if place.depth > MAX_DEPTH:
        if isinstance(value, dict | list) and value:
            yield Drift(place.step, place.path, "it is nested deeper than we look")
    elif isinstance(value, dict):
        blob = shapes.is_blob(value, place.key, in_text=place.in_text)
        if blob:
            yield _blob(value, place) if shapes.can_be_fetched(value) else Drift(place.step, place.path, _NO_NAME)
        elif shapes.hints_at_blob(value) and not place.in_text:
            yield Drift(place.step, place.path, "it has fields of a blob, and no shape of one")
        for key, child in value.items():
            if _may_hold(child, key) and key not in ASKED and not (blob and (key == "url" or key in shapes.ID_KEYS)):
                yield from _walk(child, places.under(place, key), value)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _walk(item, places.at(place, position), owner)
    elif value is None and _is_awaited(place, owner):
        yield Found(place.step, place.path, place.role(), available=False)
    elif isinstance(value, str):
        if content := _bare(value, place, owner):
            yield content
        elif wire.is_url(value) and not place.in_text:
            yield Drift(place.step, place.path, "it is a URL that no known shape explains")


def _may_hold(value: object, key: str) -> bool:
    """Whether there can be content in what stands under this key: of most there need not be a closer look."""
    if isinstance(value, str):
        return key == "blobIds" or value[:4].lower() == "http"
    return value is None or isinstance(value, dict | list)


def _without(value: Any, place: Place, owner: JsonObject) -> Any:
    if place.depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        if shapes.is_blob(value, place.key, in_text=place.in_text) and shapes.can_be_fetched(value):
            return None
        kept = {
            key: child
            if key in ASKED or not _may_hold(child, key)
            else _without(child, places.under(place, key), value)
            for key, child in value.items()
        }
        return {key: child for key, child in kept.items() if child is not None or value[key] is None}
    if isinstance(value, list):
        items = [_without(item, places.at(place, position), owner) for position, item in enumerate(value)]
        return [item for item, before in zip(items, value, strict=True) if item is not None or before is None]
    return None if isinstance(value, str) and _bare(value, place, owner) else value


def _blob(value: JsonObject, place: Place) -> Found:
    url = value.get("url")
    bundle = shapes.is_bundle(value)
    expires_at = wire.timestamp(value.get("urlExpiresAt"))
    return Found(
        step=place.step,
        path=place.path,
        role="bundle" if bundle else place.role(),
        blob_id=next((value[key] for key in shapes.ID_KEYS if wire.is_identifier(value.get(key))), None),
        kind=shapes.kind(value),
        url=url if wire.is_url(url) else None,
        url_expires_at=wire.timestamp(value.get("expiresAt")) if bundle and not expires_at else expires_at,
        available=value["available"] if isinstance(value.get("available"), bool) else None,
        blocked_reason=wire.text(value.get("blockedReason")),
        width=_integer(value.get("width"), _LARGEST_INT),
        height=_integer(value.get("height"), _LARGEST_INT),
        duration=_duration(value),
        nsfw_level=wire.text(value.get("nsfwLevel")),
        media_type=wire.text(value.get("mimeType")) or wire.text(value.get("contentType")),
        size=_size(value),
    )


def _is_awaited(place: Place, owner: JsonObject) -> bool:
    """Whether null stands here for content to come: in older training's epochs, whose model has a name already."""
    is_url = place.key == "blobUrl" or (place.key == "sampleImages" and place.path.endswith("]"))
    return is_url and wire.is_identifier(owner.get("blobName"))


def _bare(value: str, place: Place, owner: JsonObject) -> Found | None:
    """A text that is content by itself; `owner` is the object that it is told in."""
    if place.key == "blobIds":
        return Found(place.step, place.path, place.role(), blob_id=value) if wire.is_identifier(value) else None
    if place.in_text or not shapes.names_media(place.key) or not wire.is_url(value):
        return None
    return Found(
        place.step,
        place.path,
        place.role(),
        url=value,
        url_expires_at=wire.timestamp(owner.get(f"{place.key}ExpiresAt")),
        size=_size(owner) if place.key == "blobUrl" else None,
    )


def _size(value: JsonObject) -> int | None:
    sizes = (_integer(value.get(key), 2**63 - 1) for key in ("size", "sizeBytes", "blobSize"))
    return next((size for size in sizes if size is not None), None)


def _duration(value: JsonObject) -> float | None:
    if (seconds := _number(value.get("duration"))) is not None:
        return seconds
    milliseconds = _number(value.get("durationMs"))
    return None if milliseconds is None else milliseconds / 1000


def _number(value: object) -> float | None:
    """A number from 0 to what an int4 holds; NaN compares false and gives None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST_INT:
        return None
    return float(value)


def _integer(value: object, largest: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        return None
    return int(value) if value == int(value) else None
