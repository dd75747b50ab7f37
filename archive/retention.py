"""Rules of retention: what may be deleted, written by the operator in TOML, one table for each rule.

    [old-drafts]                  # its name, which every tombstone repeats
    delete = "contents"           # or "events", or "quarantine"
    older_than = "90d"            # s, m, h, d or w
    tags = ["draft", "test"]      # of any of these
    nsfw_levels = ["x", "xxx"]
    kinds = ["video"]             # of contents: image, video, …; of events: workflow, step, job
    dead = true                   # also of workflows that were given up; they are exempt otherwise

What is written narrows the rule; a rule without a wish would delete everything, and is refused.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

What = Literal["contents", "events", "quarantine"]

BY_HAND = "by hand"
"""The name of a rule that was typed with a command."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6})\s?([smhdw])")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LISTS = ("tags", "nsfw_levels", "kinds")
_KEYS = ("delete", "older_than", *_LISTS, "dead")


class RuleError(ValueError):
    """A rule cannot be understood; the message says why, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Rule:
    """What may be deleted: all that fits every wish that there is.

    older_than: contents by their workflow's creation, events and quarantine by when they last came.
    tags, nsfw_levels, kinds: one of these; levels and kinds in upper or lower case.
    """

    name: str
    delete: What
    older_than: timedelta | None = None
    tags: tuple[str, ...] = ()
    nsfw_levels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    dead: bool = False

    def __post_init__(self) -> None:
        """Raise RuleError for what no rule may say."""
        if self.older_than is None and not (self.tags or self.nsfw_levels or self.kinds):
            raise RuleError(f"{self.name!r} would delete all {self.delete}: give it older_than, {', '.join(_LISTS)}")
        if self.delete == "quarantine" and (self.tags or self.nsfw_levels or self.kinds or self.dead):
            raise RuleError(f"{self.name!r} is for quarantine, of which nothing is known but its age: older_than")


def parse(text: str) -> tuple[Rule, ...]:
    """The rules in a TOML text. Raises RuleError."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"is not TOML: {error}") from None
    for name, table in told.items():
        if not _NAME.fullmatch(name) or not isinstance(table, dict):
            raise RuleError(
                f"has {name!r}, which is no rule: a rule is a table with a name of letters, digits, _ and -"
            )
    return tuple(rule(name, table) for name, table in told.items())


def duration(text: object) -> timedelta:
    """`90d` as a time. Raises RuleError."""
    found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise RuleError(f"has the time {text!r}, which is not like 12h, 90d or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def rule(name: str, table: Mapping[str, Any]) -> Rule:
    """The rule of this name that says so. Raises RuleError."""
    if unknown := table.keys() - set(_KEYS):
        raise RuleError(f"says {min(unknown)!r} of {name!r}, which we do not know; a rule says {', '.join(_KEYS)}")
    delete = table.get("delete")
    if delete not in ("contents", "events", "quarantine"):
        raise RuleError(f"lets {name!r} delete {delete!r}, which is none of contents, events and quarantine")
    dead = table.get("dead", False)
    if not isinstance(dead, bool):
        raise RuleError(f"says that dead is {dead!r} in {name!r}, which is neither true nor false")
    older_than = duration(table["older_than"]) if "older_than" in table else None
    tags, nsfw_levels, kinds = (_texts(name, key, table.get(key, [])) for key in _LISTS)
    return Rule(name, delete, older_than, tags, nsfw_levels, kinds, dead)


def _texts(name: str, key: str, told: Any) -> tuple[str, ...]:
    texts = [told] if isinstance(told, str) else told
    if not isinstance(texts, list) or not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise RuleError(f'has {key} in {name!r} that are not a list of texts, such as ["draft"]')
    return tuple(texts)
