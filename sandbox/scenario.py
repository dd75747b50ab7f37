"""How a step is to be played: what a workflow's or a step's `metadata.sandbox` asks for.

    {"seconds": 0.3, "outcome": "failed", "reason": "…", "blockedReason": "…", "size": 1000000}

`seconds` and `outcome` are the step's, `reason` and `blockedReason` go with a job that fails, `size` is the
length in bytes of every result. A step's own object overrides the workflow's, key by key.
"""

from collections.abc import Mapping
from dataclasses import dataclass

OUTCOMES = ("succeeded", "failed", "expired", "canceled")
LARGEST_RESULT = 2_000_000_000  # bytes: what every format's own length fields can hold
LONGEST_STEP = 3_600.0  # seconds


@dataclass(frozen=True)
class Scenario:
    """One step's play; the defaults are a quick success."""

    seconds: float = 0.2
    outcome: str = "succeeded"
    reason: str | None = None
    blocked_reason: str | None = None
    size: int | None = None


def parse(wishes: Mapping[str, object]) -> Scenario:
    """The scenario that those wishes describe; ValueError with a sentence for one that cannot be played."""
    unknown = set(wishes) - {"seconds", "outcome", "reason", "blockedReason", "size"}
    if unknown:
        raise ValueError(f"metadata.sandbox has no {', '.join(sorted(unknown))}.")
    seconds, outcome = wishes.get("seconds", 0.2), wishes.get("outcome", "succeeded")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_STEP:
        raise ValueError(f"metadata.sandbox.seconds must be a number from 0 to {LONGEST_STEP:.0f}.")
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        raise ValueError(f"metadata.sandbox.outcome must be one of {', '.join(OUTCOMES)}.")
    size = wishes.get("size")
    if size is not None and (type(size) is not int or not 0 < size <= LARGEST_RESULT):
        raise ValueError(f"metadata.sandbox.size must be a whole number of bytes up to {LARGEST_RESULT}.")
    return Scenario(float(seconds), outcome, _text(wishes, "reason"), _text(wishes, "blockedReason"), size)


def _text(wishes: Mapping[str, object], key: str) -> str | None:
    value = wishes.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"metadata.sandbox.{key} must be text.")
    return value
