"""When to try again, and when to look again: pure decisions over data with units."""

from datetime import datetime, timedelta

from orchestration import errors, retry

TRIES = retry.Schedule(delays=(2, 5, 15, 30, 60, 300, 900, 3600), repeats_last=True)
"""Seconds between failed tries. The last repeats to the deadline: Civitai keeps what it has for 30 days."""

FIRST_POLL = timedelta(seconds=60)
LAST_POLL = timedelta(hours=1)


def next_try(error: Exception, failures: int, *, now: datetime, deadline: datetime) -> datetime | None:
    """When to try again after this error, or None: it is permanent, or the deadline has passed.

    `failures` counts this one. Whatever is not known to be permanent is worth another try: a refused token can be
    mended, a full disk emptied, and a first 404 is not yet Civitai's word.
    """
    if isinstance(error, errors.Permanent) or now >= deadline:
        return None
    transient = error if isinstance(error, errors.Transient) else errors.Transient(str(error))
    decision = retry.decide(transient, failures, now, schedule=TRIES)
    return None if decision is None else min(decision.at, deadline)


def next_look(heard_at: datetime, *, now: datetime) -> datetime:
    """When to look again at a workflow that has not ended, should its callbacks stay away.

    After a minute at first, then ever more slowly: after a quarter of its age, an hour at most.
    """
    return now + min(max(FIRST_POLL, (now - heard_at) / 4), LAST_POLL)
