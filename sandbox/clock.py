"""The orchestrator's clock, and time as it writes it: UTC, seven digits after the second, `Z`."""

import re
from datetime import UTC, datetime, timedelta

_FRACTION = re.compile(r"(\.\d{6})\d+")  # datetime holds six digits


class Clock:
    """Goes with the time of day, `ahead` of it by as much as it was moved forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.now(UTC) + self.ahead

    def forward(self, step: timedelta) -> None:
        """Let so much time have passed."""
        self.ahead += step


def text(moment: datetime) -> str:
    """For example `2026-01-21T22:21:26.3320000Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def parse(written: str) -> datetime:
    """An ISO 8601 date or time, taken as UTC where it names no zone; ValueError for anything else."""
    moment = datetime.fromisoformat(_FRACTION.sub(r"\1", written))
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{written!r} is in no year of UTC.") from None
