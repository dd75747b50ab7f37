"""Whether and when a failed try is worth another: a pure decision over a schedule that is data."""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from orchestration import errors

LONGEST_RETRY_AFTER = 3600.0  # seconds; whoever asks for more gets this
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class RetryDecision:
    """Try again, at this time."""

    at: datetime


@dataclass(frozen=True)
class Schedule:
    """How long to wait after the first failed try, after the second, and so on.

    delays: seconds. A wait is drawn from between half of its delay and the whole of it.
    repeats_last: whether the last delay holds for every later failure; if not, there are as many
        tries as delays and one more.
    patience: seconds; whoever asks us to wait longer is not tried again.
    """

    delays: Sequence[float]
    repeats_last: bool = False
    patience: float = math.inf


# Five tries: Civitai's published advice is exponential, at most about 30 seconds apart.
API_CALLS = Schedule(delays=(1.0, 3.0, 9.0, 27.0))

# The same, while a person waits for the answer.
AT_A_TERMINAL = Schedule(delays=(0.5, 1.5, 4.0), patience=15.0)


def decide(
    error: Exception,
    failures: int,
    now: datetime,
    *,
    schedule: Schedule = API_CALLS,
    jitter: float | None = None,
) -> RetryDecision | None:
    """Say when to try again, or None: not worth it, or tried often enough.

    failures: tries that failed so far, this one included (1 or more).
    jitter: in [0, 1), drawn when None; given, the decision is a pure function.

    Never earlier than the error's `retry_after`, of which at most an hour is believed.
    """
    if not isinstance(error, errors.Transient):
        return None
    delay = _delay(schedule, failures)
    if delay is None or (error.retry_after or 0.0) > schedule.patience:
        return None
    if jitter is None:
        jitter = random.random()  # noqa: S311 - spreads load, guards nothing
    wait = delay * (1 + jitter) / 2
    if error.retry_after is not None:
        wait = max(wait, min(max(0.0, error.retry_after), LONGEST_RETRY_AFTER))
    return RetryDecision(at=now + timedelta(seconds=wait))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from now; None when it says nothing."""
    if header is None:
        return None
    if seconds := _SECONDS.fullmatch(header.strip()):
        return float(seconds[0])
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _delay(schedule: Schedule, failures: int) -> float | None:
    if failures <= len(schedule.delays):
        return schedule.delays[max(failures, 1) - 1] if schedule.delays else None
    return schedule.delays[-1] if schedule.delays and schedule.repeats_last else None
