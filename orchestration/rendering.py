"""Workflow documents as a client of Civitai reads them, with other addresses for their content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration import documents, maturity, places, shapes, wire
from orchestration.places import Place
from orchestration.wire import JsonObject

_ADDRESSES = ("urlExpiresAt", "previewUrl", "previewUrlExpiresAt")


@dataclass(frozen=True)
class Link:
    """Where content can be had, and until when, as a document writes it (`2030-01-01T00:00:00Z`); None: for good."""

    url: str
    expires_at: str | None


Links = Mapping[tuple[str, str], Link]
"""For the step and the path of a result, as `results.find` gives them: where it is."""


def render(document: JsonObject, links: Links, *, hide_mature: bool = False) -> JsonObject:
    """The document with these addresses at these places, wherever content may be; all else as it is.

    What has a link is available. With `hide_mature`, mature blobs are said not to be available, as Civitai does.
    An object's `$type` comes first, which some readers of JSON need.
    """
    names = {position: name for position, name, _ in documents.named_steps(document)}
    steps = document.get("steps")
    rendered = document
    if isinstance(steps, list):
        rendered = document | {
            "steps": [
                _step(step, names[position], links, hide_mature) if position in names else step
                for position, step in enumerate(steps)
            ]
        }
    return dict(_type_first(rendered))


def find_step(document: JsonObject, name: str) -> JsonObject | None:
    """The step of this name."""
    return next((step for _, own, step in documents.named_steps(document) if own == name), None)


def find_blob(document: JsonObject, blob_id: str) -> JsonObject | None:
    """The first blob of this id in the outputs and the results of jobs."""
    for _, name, step in documents.named_steps(document):
        for place, value in places.of_step(name, step):
            if (found := _find_blob(value, place, blob_id)) is not None:
                return found
    return None


def _step(step: JsonObject, name: str, links: Links, hide_mature: bool) -> JsonObject:
    rendered = dict(step)
    if "output" in step:
        rendered["output"] = _value(step["output"], Place(name, "output", "output"), links, hide_mature)
    if isinstance(jobs := step.get("jobs"), list):
        rendered["jobs"] = [
            job | {"result": _value(job["result"], places.of_job(name, position), links, hide_mature)}
            if isinstance(job, dict) and "result" in job
            else job
            for position, job in enumerate(jobs)
        ]
    return rendered


def _value(value: Any, place: Place, links: Links, hide_mature: bool) -> Any:
    if isinstance(value, dict):
        return value if place.depth > places.MAX_DEPTH else _object(value, place, links, hide_mature)
    if isinstance(value, list):
        if place.depth > places.MAX_DEPTH:
            return value
        return [_value(item, places.at(place, position), links, hide_mature) for position, item in enumerate(value)]
    link = links.get((place.step, place.path)) if _may_be_content(value) else None
    # A bare id stays one, though its content has an address.
    return link.url if link is not None and (value is None or wire.is_url(value)) else value


def _object(value: JsonObject, place: Place, links: Links, hide_mature: bool) -> JsonObject:
    rendered = dict(value)
    for key, child in value.items():
        if key in places.ASKED or not _may_be_content(child):
            continue
        within = places.under(place, key)
        if (other := _value(child, within, links, hide_mature)) is not child:
            rendered[key] = other
        if f"{key}ExpiresAt" in value and (link := links.get((within.step, within.path))):
            rendered[f"{key}ExpiresAt"] = link.expires_at
    if link := links.get((place.step, place.path)):
        rendered["url"] = link.url
        rendered |= {key: told for key, told in _told_of(link).items() if key in value}
    is_blob = hide_mature and shapes.is_blob(value, place.key, in_text=place.in_text)
    if is_blob and maturity.is_mature(wire.text(value.get("nsfwLevel"))):
        rendered = {key: child for key, child in rendered.items() if key not in _ADDRESSES}
        rendered |= {"available": False, "url": None}
    return rendered


def _may_be_content(value: Any) -> bool:
    """Whether content may be here or below: most values are words and figures, which need no closer look."""
    return value is None or isinstance(value, dict | list) or (isinstance(value, str) and value[:4].lower() == "http")


def _told_of(link: Link) -> JsonObject:
    """What else an object says of content that can be had; what it did not say before is not added."""
    return {"available": True, "urlExpiresAt": link.expires_at}


def _find_blob(value: Any, place: Place, blob_id: str) -> JsonObject | None:
    if place.depth > places.MAX_DEPTH:
        return None
    if isinstance(value, dict):
        if shapes.is_blob(value, place.key, in_text=place.in_text) and blob_id in map(value.get, shapes.ID_KEYS):
            return value
        children = [(places.under(place, key), child) for key, child in value.items() if key not in places.ASKED]
    elif isinstance(value, list):
        children = [(places.at(place, position), item) for position, item in enumerate(value)]
    else:
        return None
    return next((found for within, child in children if (found := _find_blob(child, within, blob_id))), None)


def _type_first(value: Any) -> Any:
    if isinstance(value, list):
        return [_type_first(item) for item in value]
    if not isinstance(value, dict):
        return value
    ordered = {key: _type_first(child) if isinstance(child, dict | list) else child for key, child in value.items()}
    return {"$type": ordered["$type"]} | ordered if "$type" in ordered else ordered
