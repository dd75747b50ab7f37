"""What a drill submits: workflows of every step type, each to be played in another way."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.wire import JsonObject

STEP_TYPES = tuple(
    json.loads((Path(__file__).parents[1] / "tests" / "contract" / "output-paths.json").read_text(encoding="utf-8"))
)
FOR_EVER = {"times": None}

PLAYS: tuple[Mapping[str, Any], ...] = (
    {},
    {"mature": True},
    {"cached": "harbour"},
    {"availableAfter": 3},
    {"urlSeconds": 1},
    {"withheld": "csam"},
    {"outcome": "failed", "reason": "out of memory", "blockedReason": "prompt"},
    {"size": 3_000_000},
    {"faults": {"workflow_404": FOR_EVER}},
    {"urlUses": 1},
    {"faults": {"callback_lost": {"rate": 0.5, "times": None}}},
    {"withheld": "minor", "placeholder": "forbidden"},
    {"cached": "harbour", "mature": True},
    {"outcome": "expired"},
    {"faults": {"blob_404": FOR_EVER}},
    {"withheld": "prompt", "placeholder": "redirect"},
    {},
    {"faults": {"callback_lost": FOR_EVER}},
    {"outcome": "canceled"},
    {"faults": {"workflow_403": FOR_EVER, "workflow_404": 0}},
    {"size": 1_000_000, "faults": {"truncate": 0.7, "etag_changed": 0.3}},
    {"faults": {"blob_403": FOR_EVER}},
    {"cached": "lighthouse", "availableAfter": 2},
)
"""Ways to play a workflow, as its `metadata.sandbox` asks for them."""

EVERYWHERE: Mapping[str, object] = {
    "api_429": 0.005, "api_500": 0.03, "api_hang": {"rate": 0.01, "seconds": 3}, "api_reset": 0.02,
    "workflow_404": 0.03, "workflow_403": 0.01, "blob_404": 0.02, "blob_403": 0.02,
    "storage_429": 0.02, "storage_500": 0.04, "expired": 0.05, "html": 0.04, "truncate": 0.05, "reset": 0.03,
    "hang": {"rate": 0.02, "seconds": 3}, "wrong_length": 0.02, "overlong": 0.02, "no_range": 0.2, "etag_changed": 0.1,
    "callback_lost": 0.03, "callback_doubled": 0.1, "callback_reordered": 0.1, "callback_late": 0.1,
}  # fmt: skip
"""The faults that strike everything now and then."""

_NEVER_EPHEMERAL = frozenset({"urlSeconds", "urlUses", "cached"})
"""No promise holds for an ephemeral result that nobody can have for longer than a second; and what is cached may be had
from a workflow that is not ephemeral.
"""

LARGE = 120_000_000  # bytes
LARGE_EVERY, EPHEMERAL_EVERY, OLDER_EVERY, TWO_STEPS_EVERY = 60, 7, 11, 4


def bodies(count: int, seed: int, callback: JsonObject) -> Iterator[JsonObject]:
    """So many submissions, the same for the same seed; `callback` is the receiver's entry."""
    dice = random.Random(seed)
    types, plays = dice.sample(STEP_TYPES, len(STEP_TYPES)), itertools.cycle(PLAYS)
    for number in range(count):
        play = dict(next(plays)) | {"seconds": round(dice.uniform(0.1, 2.0), 2)}
        kinds = [types[number % len(types)]]
        if number % TWO_STEPS_EVERY == 0:
            kinds.append(dice.choice(types))
        if number % LARGE_EVERY == LARGE_EVERY // 2:
            kinds, play = ["videoUpscaler"], {"size": LARGE}
        body: JsonObject = {
            "externalId": f"drill-{seed}-{number}",
            "steps": [_step(kind) for kind in kinds],
            "metadata": {"sandbox": play, "drill": number},
            "tags": ["drill"],
            "ephemeral": number % EPHEMERAL_EVERY == EPHEMERAL_EVERY - 1 and not _NEVER_EPHEMERAL & set(play),
        }
        if len(kinds) > 1 and "outcome" in play:
            # What comes before the failure is a result all the same.
            body["steps"][0]["metadata"] = {"sandbox": {"outcome": "succeeded"}}
        if number % OLDER_EVERY == OLDER_EVERY - 1:
            body |= {"callbackUrl": callback["url"], "callbackEvents": ["workflow:*", "job:*"]}
        else:
            body["callbacks"] = [callback]
        yield body


def _step(kind: str) -> JsonObject:
    asked: JsonObject = {"prompt": "a lighthouse in fog", "width": 256, "height": 256, "quantity": 2, "duration": 0.5}
    if kind == "repeat":
        asked = {"template": {"$type": "textToImage", "input": asked}, "times": 2}
    return {"$type": kind, "input": asked}
