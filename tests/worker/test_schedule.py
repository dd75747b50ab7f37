from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import errors
from worker import schedule

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAR = NOW + timedelta(days=30)
SPANS = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=60))
WORTH_ANOTHER_TRY = [
    errors.Transient(),
    errors.UrlExpired(),
    errors.Truncated(),
    errors.NotFound(status=404),
    errors.CredentialError(status=401),
    OSError(28, "No space left on device"),
    RuntimeError("a mistake of ours"),
]


@given(st.sampled_from(WORTH_ANOTHER_TRY), st.integers(1, 10_000), SPANS)
def test_the_next_try_is_later_and_never_past_the_deadline(error: Exception, failures: int, left: timedelta) -> None:
    at = schedule.next_try(error, failures, now=NOW, deadline=NOW + left)
    assert at is not None
    assert NOW < at <= NOW + left


@given(st.integers(1, 10_000))
def test_tries_keep_their_distance(failures: int) -> None:
    at = schedule.next_try(errors.Transient(), failures, now=NOW, deadline=FAR)
    assert at is not None
    delays = schedule.TRIES.delays
    delay = delays[min(failures, len(delays)) - 1]
    assert timedelta(seconds=delay / 2) <= at - NOW <= timedelta(seconds=delay)
    assert at - NOW <= timedelta(hours=1)


@given(st.floats(0, 1e9), st.integers(1, 20))
def test_a_wish_for_a_pause_is_granted_for_an_hour_at_most(pause: float, failures: int) -> None:
    at = schedule.next_try(errors.RateLimited(retry_after=pause), failures, now=NOW, deadline=FAR)
    assert at is not None
    assert timedelta(seconds=min(pause, 3600)) <= at - NOW <= timedelta(hours=1)


@pytest.mark.parametrize("error", [errors.Permanent(status=400), errors.TooLarge()])
def test_what_would_be_refused_again_is_not_tried_again(error: Exception) -> None:
    assert schedule.next_try(error, 1, now=NOW, deadline=FAR) is None


@given(st.sampled_from(WORTH_ANOTHER_TRY), st.timedeltas(timedelta(0), timedelta(days=400)))
def test_nothing_is_tried_past_the_deadline(error: Exception, past: timedelta) -> None:
    assert schedule.next_try(error, 1, now=NOW, deadline=NOW - past) is None


@given(SPANS, SPANS)
def test_a_workflow_is_looked_at_ever_more_slowly_within_bounds(age: timedelta, more: timedelta) -> None:
    wait = schedule.next_look(NOW - age, now=NOW) - NOW
    assert schedule.FIRST_POLL <= wait <= schedule.LAST_POLL
    assert wait <= schedule.next_look(NOW - age - more, now=NOW) - NOW
