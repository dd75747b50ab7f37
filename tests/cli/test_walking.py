"""How much of a walk lies behind us, as its bar shows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from archive.ranges import Listing, Range, unwritten
from cli import walking

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def at(first: float | None, reached: float | None, wanted: Range, *, newest_first: bool = False) -> Listing:
    """A walk whose first workflow is so many days old, and the last one listed too."""
    return replace(
        unwritten(wanted, begun_at=NOW),
        first_at=None if first is None else days_ago(first),
        reached_at=None if reached is None else days_ago(reached),
        newest_first=newest_first,
    )


@pytest.mark.parametrize(
    ("listing", "share"),
    [
        (at(20, 5, Range()), 0.75),
        (at(20, 15, Range(to_date=days_ago(10))), 0.5),
        (at(20, 10, Range(from_date=days_ago(1000))), 0.5),
        (at(0, 15, Range(from_date=days_ago(20)), newest_first=True), 0.75),
        (at(20, 5, Range(to_date=days_ago(10))), 1.0),
        (at(0, 5, Range(), newest_first=True), None),
        (at(None, None, Range()), None),
        (at(5, 5, Range(to_date=days_ago(10))), None),
        (replace(at(20, 5, Range()), finished_at=NOW), 1.0),
    ],
)
def test_the_share_is_that_of_the_time_between_its_ends(listing: Listing, share: float | None) -> None:
    assert walking.covered(listing) == share
