"""The query of a request, read strictly: a value that cannot be read is a `Problem` that names it.

Names count in any case, as at the real one: the calls for consumers spell them `fromDate`, those for managers `Take`.
An empty value is none.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from starlette.requests import Request

from sandbox import clock, problems

Read = TypeVar("Read")


class Parameters:
    """What one request asks for."""

    def __init__(self, request: Request) -> None:
        self._given = request.query_params.multi_items()

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated."""
        return [value for given, value in self._given if given.lower() == name.lower() and value]

    def text(self, name: str) -> str | None:
        """The value as it came."""
        return next(iter(self.all(name)), None)

    def flag(self, name: str, default: bool = False) -> bool:
        """`true` or `false`."""
        value = self._read(name, _flag)
        return default if value is None else value

    def one_of(self, name: str, values: Sequence[str]) -> str | None:
        """One of these, in any case."""
        value = self.text(name)
        if value is not None and value.lower() not in values:
            raise problems.invalid(name, f"{name} must be one of {', '.join(values)}.")
        return value and value.lower()

    def whole(self, name: str, default: int, most: int) -> int:
        """A number from 1 to `most`."""
        value = self._read(name, int)
        value = default if value is None else value
        if not 1 <= value <= most:
            raise problems.invalid(name, f"{name} must be from 1 to {most}.")
        return value

    def moment(self, name: str) -> datetime | None:
        """A date or time, in UTC where it names no zone."""
        return self._read(name, clock.parse)

    def wait(self, longest: float) -> float:
        """`wait`: for how many seconds, at most `longest`; one client sends `true`."""
        seconds = self._read("wait", _seconds)
        return 0.0 if seconds is None else min(seconds, longest)

    def _read(self, name: str, read: Callable[[str], Read]) -> Read | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError:
            raise problems.invalid(name, f"{name} cannot be read.") from None


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError
    return value.lower() == "true"


def _seconds(value: str) -> float:
    if value.lower() in ("true", "false"):
        return math.inf if value.lower() == "true" else 0.0
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError
    return seconds
