"""Places in a workflow document: where a walk through a step's output stands, and how that is written as a path."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from orchestration import shapes
from orchestration.wire import JsonObject

Role = Literal["result", "preview", "by-product", "bundle"]

MAX_DEPTH = 64  # levels below a step's output; documents of Civitai's have a dozen
ASKED = frozenset({"input", "arguments", "params"})
"""Keys of what was asked for, echoed by nested steps and by outputs: nothing in them is a result."""

_TEXT = frozenset({"message", "messages", "content", "choices", "text", "annotations", "citations"})
_BY_PRODUCTS = frozenset({"tempBlobs", "draftCache"})
_PATH_CHARACTERS = 400
_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where a walk stands: `key` is the property that it is in, also through lists."""

    step: str
    path: str
    key: str
    depth: int = 0
    in_text: bool = False
    by_product: bool = False

    def role(self) -> Role:
        """What content at this place is to the work, bundles aside."""
        if shapes.names_preview(self.key):
            return "preview"
        return "by-product" if self.by_product else "result"


def of_step(name: str, step: JsonObject) -> Iterator[tuple[Place, Any]]:
    """The places of a step below which results are, and what stands there: its output, and its jobs' results."""
    yield Place(name, "output", "output"), step.get("output")
    jobs = step.get("jobs")
    for position, job in enumerate(jobs if isinstance(jobs, list) else []):
        if isinstance(job, dict):
            yield of_job(name, position), job.get("result")


def of_job(name: str, position: int) -> Place:
    """The result of a step's job at this position."""
    return Place(name, f"jobs[{position}].result", "result")


def under(place: Place, key: str) -> Place:
    """One property further down."""
    step = f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key)}]"
    return Place(
        place.step,
        _bounded(place.path + step),
        key,
        place.depth + 1,
        place.in_text or key in _TEXT,
        place.by_product or key in _BY_PRODUCTS,
    )


def at(place: Place, position: int) -> Place:
    """One item of a list further down."""
    path = _bounded(f"{place.path}[{position}]")
    return Place(place.step, path, place.key, place.depth + 1, place.in_text, place.by_product)


def _bounded(path: str) -> str:
    """A path that PostgreSQL can index: past 400 characters its end gives way to a digest of the whole."""
    if len(path) <= _PATH_CHARACTERS:
        return path
    return f"{path[: _PATH_CHARACTERS - 20]}…{sha256(path.encode()).hexdigest()[:16]}"
