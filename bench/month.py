"""A month of life for an archive: what is submitted each day, and how some of it is damaged, lost and taken away."""

import itertools
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import places
from bench.drill_workflows import STEP_TYPES
from orchestration.wire import JsonObject
from sandbox import state

DRAFT = "draft"
"""The tag whose contents are pruned."""

_FOR_EVER = {"times": None}
_PLAYS: tuple[Mapping[str, Any], ...] = (
    {},
    {"faults": {"callback_lost": _FOR_EVER}},
    {"urlSeconds": 1},
    {"withheld": "minor"},
    {"faults": {"callback_lost": {"rate": 0.5, "times": None}}},
    {"outcome": "failed", "reason": "out of memory", "blockedReason": "prompt"},
    {"cached": "harbour"},
    {"faults": {"callback_doubled": {"rate": 0.5, "times": None}, "truncate": 0.5}},
    {"mature": True},
)
_DRAFTS_EVERY = 5


def days(count: int, workflows: int, seed: int, callback: JsonObject) -> Iterator[list[JsonObject]]:
    """What is submitted on each day, the same for the same seed; `callback` is the receiver's entry."""
    dice = random.Random(seed)
    types, plays = itertools.cycle(dice.sample(STEP_TYPES, len(STEP_TYPES))), itertools.cycle(_PLAYS)
    for day in range(count):
        yield [
            {
                "externalId": f"month-{seed}-{day}-{number}",
                "steps": [_step(next(types))],
                "metadata": {"sandbox": {"seconds": round(dice.uniform(0.1, 0.8), 2), **next(plays)}},
                "tags": ["month", *([DRAFT] if number % _DRAFTS_EVERY == _DRAFTS_EVERY - 1 else [])],
                "callbacks": [callback],
            }
            for number in range(workflows)
        ]


def is_wanted(place: state.Place) -> bool:
    """Whether an archive keeps it with its default settings, and no rule of retention has taken it."""
    return places.is_kept(place) and DRAFT not in place.workflow.tags


def damage(files: Sequence[Path], dice: random.Random) -> None:
    """Have one of two ways to rot come over each of these files."""
    for file in files:
        content = bytearray(file.read_bytes())
        file.unlink()  # it may have other names, which are not damaged
        if content and dice.random() < 0.7:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            file.write_bytes(bytes(content))
            os.chmod(file, 0o440)


def _step(kind: str) -> JsonObject:
    asked: JsonObject = {"prompt": "a lighthouse in fog", "width": 64, "height": 64, "quantity": 2, "duration": 0.5}
    if kind == "repeat":
        asked = {"template": {"$type": "textToImage", "input": asked}, "times": 2}
    return {"$type": kind, "input": asked}
