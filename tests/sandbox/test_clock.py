from datetime import UTC, datetime

import pytest

from sandbox import clock


def test_time_is_written_with_seven_digits() -> None:
    assert clock.text(datetime(2026, 1, 21, 22, 21, 26, 332_000, UTC)) == "2026-01-21T22:21:26.3320000Z"


@pytest.mark.parametrize(
    "written", ["2026-01-21T22:21:26.3320000Z", "2026-01-21T22:21:26.332", "2026-01-21T23:21:26.332+01:00"]
)
def test_what_is_written_is_read(written: str) -> None:
    assert clock.parse(written) == datetime(2026, 1, 21, 22, 21, 26, 332_000, UTC)


def test_a_date_is_its_midnight() -> None:
    assert clock.parse("2026-01-21") == datetime(2026, 1, 21, tzinfo=UTC)


def test_nonsense_is_an_error() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        clock.parse("soon")
