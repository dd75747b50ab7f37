"""Moments as people write them on the command line: `2026-11-20`, `2026-11-20T18:00`, with or without a zone."""

from datetime import UTC, datetime, time, timedelta

import typer

EXAMPLE = "2026-11-20 or 2026-11-20T18:00+01:00; without a zone it is UTC"


def beginning(written: str) -> datetime:
    """The moment, a day's first if it is a day. Raises BadParameter."""
    try:
        moment = datetime.fromisoformat(written.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{written!r} is no date or time; write {EXAMPLE}.") from None


def end(written: str) -> datetime:
    """The moment, a day's last if it is a day. Raises BadParameter."""
    moment = beginning(written)
    is_day = moment.time() == time() and not set(written) & {"T", "t", ":", " "}
    return moment + timedelta(days=1, microseconds=-1) if is_day else moment
