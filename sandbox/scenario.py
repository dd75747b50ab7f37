"""How a workflow or a step is to be played: what its `metadata.sandbox` asks for.

    {"seconds": 0.3, "outcome": "failed", "reason": "…", "blockedReason": "…", "size": 1000000,
     "availableAfter": 2, "withheld": "csam", "placeholder": "redirect", "urlSeconds": 1, "urlUses": 1,
     "mature": true, "cached": "harbour", "faults": {"truncate": 0.5}}

A step's own object overrides the workflow's, key by key. docs/sandbox.md says what each key does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox import faults

OUTCOMES = ("succeeded", "failed", "expired", "canceled")
PLACEHOLDERS = ("image", "forbidden", "redirect")
LARGEST_RESULT = 2_000_000_000  # bytes: what every format's own length fields can hold
LONGEST = 3_600.0  # seconds


@dataclass(frozen=True)
class Scenario:
    """One play; the defaults are a quick success.

    `seconds` and `outcome` are a step's, `reason` and `blocked_reason` go with a job that fails, `size` is the length
    in bytes of every result. Results are not available until `available_after` seconds after they were made; are kept
    back for the reason `withheld`, behind a `placeholder`; are hidden from lists when `mature`; are shared by all
    steps of one type that name the same `cached` key. A signed URL dies after `url_seconds` or `url_uses`.
    """

    seconds: float = 0.2
    outcome: str = "succeeded"
    reason: str | None = None
    blocked_reason: str | None = None
    size: int | None = None
    available_after: float = 0.0
    withheld: str | None = None
    placeholder: str = "image"
    url_seconds: float | None = None
    url_uses: int | None = None
    mature: bool = False
    cached: str | None = None
    own_faults: faults.Faults = field(default_factory=dict)


KEYS = {
    "seconds", "outcome", "reason", "blockedReason", "size", "availableAfter", "withheld", "placeholder", "urlSeconds",
    "urlUses", "mature", "cached", "faults",
}  # fmt: skip


def parse(wishes: Mapping[str, object]) -> Scenario:
    """The scenario that those wishes describe; ValueError with a sentence for one that cannot be played."""
    if unknown := set(wishes) - KEYS:
        raise ValueError(f"metadata.sandbox has no {', '.join(sorted(unknown))}.")
    seconds = _seconds(wishes, "seconds")
    mature = wishes.get("mature", False)
    if not isinstance(mature, bool):
        raise ValueError("metadata.sandbox.mature must be true or false.")
    return Scenario(
        seconds=Scenario.seconds if seconds is None else seconds,
        outcome=_one_of(wishes, "outcome", OUTCOMES),
        reason=_text(wishes, "reason"),
        blocked_reason=_text(wishes, "blockedReason"),
        size=_whole(wishes, "size", LARGEST_RESULT),
        available_after=_seconds(wishes, "availableAfter") or 0.0,
        withheld=_text(wishes, "withheld"),
        placeholder=_one_of(wishes, "placeholder", PLACEHOLDERS),
        url_seconds=_seconds(wishes, "urlSeconds"),
        url_uses=_whole(wishes, "urlUses", 1_000_000),
        mature=mature,
        cached=_text(wishes, "cached"),
        own_faults=faults.parse(wishes.get("faults", {})),
    )


def _seconds(wishes: Mapping[str, object], key: str) -> float | None:
    value = wishes.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST:
        raise ValueError(f"metadata.sandbox.{key} must be a number from 0 to {LONGEST:.0f}.")
    return float(value)


def _whole(wishes: Mapping[str, object], key: str, most: int) -> int | None:
    value = wishes.get(key)
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= most:
        raise ValueError(f"metadata.sandbox.{key} must be a whole number from 1 to {most}.")
    return value


def _one_of(wishes: Mapping[str, object], key: str, values: tuple[str, ...]) -> str:
    """One of the values; the first when there is no such wish."""
    value = wishes.get(key, values[0])
    if not isinstance(value, str) or value not in values:
        raise ValueError(f"metadata.sandbox.{key} must be one of {', '.join(values)}.")
    return value


def _text(wishes: Mapping[str, object], key: str) -> str | None:
    value = wishes.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"metadata.sandbox.{key} must be text.")
    return value
