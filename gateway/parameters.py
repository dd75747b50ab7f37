"""The parameters of a request's query: what each may be, in words, as JSON Schema and as it is read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from archive import catalogue
from gateway import problems
from orchestration import maturity, wire

T = TypeVar("T")


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """One parameter. `read` raises ValueError for a text that it cannot be."""

    name: str
    description: str
    schema: dict[str, Any]
    read: Callable[[str], T]

    def of(self, request: Request[Any]) -> T | None:
        """Its value in this request, None if it has none. Raises Problem."""
        values = self.all_of(request)
        return values[-1] if values else None

    def all_of(self, request: Request[Any]) -> list[T]:
        """Every value, in the order given. Raises Problem."""
        try:
            return [self.read(value) for value in request.query_params.getlist(self.name)]
        except ValueError as error:
            raise problems.invalid(self.name, f"{self.name} {error}.") from None


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds U+0000, which no text of Civitai's has")
    return value


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return value.lower() == "true"


def _seconds(value: str) -> float:
    if value.lower() in ("true", "false"):
        return math.inf if value.lower() == "true" else 0.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError("is no number of seconds")
    return seconds


def _take(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= catalogue.TAKE_AT_MOST):
        raise ValueError(f"is no whole number from 1 to {catalogue.TAKE_AT_MOST}")
    return int(value)


def moment(value: str) -> datetime:
    """A moment as Civitai writes it. Raises ValueError, with what a sentence about it goes on with."""
    moment = wire.timestamp(value)
    if moment is None:
        raise ValueError("is no date and time such as 2026-01-31T00:00:00Z")
    return moment


def _level(value: str) -> str:
    if value.lower() not in maturity.LEVELS:
        raise ValueError(f"is none of {', '.join(maturity.LEVELS)}")
    return value.lower()


_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_MOMENT = {"type": "string", "format": "date-time"}

TAKE = Parameter(
    "take", "How many workflows.", {"type": "integer", "minimum": 1, "maximum": catalogue.TAKE_AT_MOST}, _take
)
CURSOR = Parameter("cursor", "Where the page before ended: its next.", _TEXT, _text)
TAGS = Parameter("tags", "Only workflows that have all of these.", {"type": "array", "items": _TEXT}, _text)
QUERY = Parameter("query", "Only workflows with this text in their metadata.", _TEXT, _text)
STATUS = Parameter("status", "Only workflows of this status.", _TEXT, _text)
ASCENDING = Parameter("ascending", "Oldest first.", _FLAG, _flag)
EXCLUDE_FAILED = Parameter("excludeFailed", "No failed, expired or canceled workflows.", _FLAG, _flag)
FROM_DATE = Parameter("fromDate", "Only workflows created then or later.", _MOMENT, moment)
TO_DATE = Parameter("toDate", "Only workflows created then or earlier.", _MOMENT, moment)
HIDE_MATURE = Parameter("hideMatureContent", "Show mature blobs as unavailable.", _FLAG, _flag)
WAIT = Parameter(
    "wait",
    "How many seconds to wait for the end; true for as long as there can be waited.",
    {"anyOf": [{"type": "number", "minimum": 0}, _FLAG]},
    _seconds,
)
WHATIF = Parameter("whatif", "Say what it would cost, and do nothing.", _FLAG, _flag)
DETAILED = Parameter("detailed", "With the context of the last event.", _FLAG, _flag)
WORKFLOW_ID = Parameter("workflowId", "The workflow in which the blob is looked for.", _TEXT, _text)
NSFW_LEVEL = Parameter(
    "nsfwLevel",
    "The highest level that is wanted: 403 for a blob above it, or of none.",
    {"type": "string", "enum": list(maturity.LEVELS)},
    _level,
)
FILENAME = Parameter("filename", "The name that a browser shall save it under.", _TEXT, _text)
DOWNLOAD = Parameter("download", "Have a browser save it instead of showing it.", _FLAG, _flag)
SIGNATURE = Parameter("sig", "The signature of a signed address, instead of a key.", _TEXT, _text)
EXPIRY = Parameter("exp", "Until when the signed address is good.", _TEXT, _text)
