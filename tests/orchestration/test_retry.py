from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration import errors, retry

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEDULES = st.builds(
    retry.Schedule,
    delays=st.lists(st.floats(0, 86_400), max_size=6).map(tuple),
    repeats_last=st.booleans(),
)


def seconds(decision: retry.RetryDecision | None) -> float | None:
    return None if decision is None else (decision.at - NOW).total_seconds()


@given(
    retry_after=st.none() | st.floats(),
    failures=st.integers(-2, 10**9),
    schedule=SCHEDULES,
    jitter=st.none() | st.floats(0, 1, exclude_max=True),
)
def test_a_decision_keeps_its_bounds(
    retry_after: float | None, failures: int, schedule: retry.Schedule, jitter: float | None
) -> None:
    error = errors.Transient(retry_after=retry_after)
    decision = retry.decide(error, failures, NOW, schedule=schedule, jitter=jitter)
    exhausted = not schedule.delays or (failures > len(schedule.delays) and not schedule.repeats_last)
    assert (decision is None) == exhausted
    if decision is not None:
        wait = (decision.at - NOW).total_seconds()
        delay = schedule.delays[min(max(failures, 1), len(schedule.delays)) - 1]
        assert delay / 2 - 1e-5 <= wait <= max(delay, retry.LONGEST_RETRY_AFTER) + 1e-5
        if retry_after is None:
            assert wait <= delay + 1e-5
        elif retry_after <= retry.LONGEST_RETRY_AFTER:
            assert wait >= retry_after - 1e-5


def test_five_tries_are_made_of_a_call_at_most_thirty_seconds_apart() -> None:
    error = errors.ServerError()
    waits = [seconds(retry.decide(error, failures, NOW, jitter=0.999)) for failures in range(1, 6)]
    assert waits[-1] is None
    grown = [wait for wait in waits if wait is not None]
    assert len(grown) == 4
    assert grown == sorted(grown)
    assert grown[-1] <= 30


@pytest.mark.parametrize(
    "error", [errors.CredentialError(), errors.NotFound(), errors.Permanent(), errors.TooLarge(), OSError()]
)
def test_what_is_not_transient_is_not_tried_again(error: Exception) -> None:
    assert retry.decide(error, 1, NOW) is None


def test_a_last_delay_that_repeats_never_ends() -> None:
    schedule = retry.Schedule(delays=(1, 60), repeats_last=True)
    assert seconds(retry.decide(errors.Unreachable(), 10_000, NOW, schedule=schedule, jitter=0)) == 30


def test_an_absurd_retry_after_is_believed_for_an_hour() -> None:
    assert seconds(retry.decide(errors.RateLimited(retry_after=1e9), 1, NOW)) == 3600


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 99 Jan 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: float | None) -> None:
    assert retry.retry_after(header, NOW) == wait


@given(st.text(st.characters()))
@example("9" * 5000)
@example("0\x1f")
@example("Mon, 01 Jan 99999 00:00:00 GMT")
def test_any_header_is_read_or_ignored(header: str) -> None:
    wait = retry.retry_after(header, NOW)
    assert wait is None or wait >= 0
    decision = retry.decide(errors.RateLimited(retry_after=wait), 1, NOW)
    assert decision is not None
    assert decision.at <= NOW + timedelta(hours=1)


def test_who_asks_for_more_than_our_patience_is_not_tried_again() -> None:
    schedule = retry.Schedule(delays=(1.0, 1.0), patience=15.0)
    assert retry.decide(errors.RateLimited(retry_after=15.0), 1, NOW, schedule=schedule) is not None
    assert retry.decide(errors.RateLimited(retry_after=15.1), 1, NOW, schedule=schedule) is None
