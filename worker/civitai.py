"""Calling Civitai's API: within a rate of our own, and with the pauses that all workers keep together."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from aiolimiter import AsyncLimiter
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import pauses
from orchestration import client, errors
from worker import metrics

T = TypeVar("T")

RATE_PAUSE = timedelta(seconds=5)
"""After a 429 that does not say how long to wait."""

CREDENTIALS_PAUSE = timedelta(seconds=60)
PROBE_BEFORE_END = timedelta(seconds=40)
"""A refused token is tried again when this much of the pause is left, so that the pause never lapses by itself."""

log = structlog.get_logger()


class Caller(Protocol):
    """What it takes to call: the API, our own rate, and a database in which pauses are kept."""

    @property
    def engine(self) -> AsyncEngine:
        """For the pauses."""

    @property
    def api(self) -> client.Client:
        """For the calls."""

    @property
    def calls(self) -> AsyncLimiter:
        """For their rate."""


class Paused(Exception):
    """Nobody calls Civitai's API for now. What is due stays due, and no try of it is used up."""


async def ask(caller: Caller, call: Callable[[], Awaitable[T]]) -> T:
    """Make one call.

    What concerns every call (too many of them, a token that is refused) pauses all workers and raises Paused. A 403
    that only this call gets is raised as it is: a listing, as a canary, tells the two apart.
    """
    try:
        async with caller.calls:
            return await call()
    except errors.RateLimited as error:
        length = RATE_PAUSE if error.retry_after is None else timedelta(seconds=min(error.retry_after, 3600))
        await _pause(caller, "rate", length, error)
        raise Paused from error
    except errors.CredentialError as error:
        if error.status == 403 and not isinstance(await _listing_fails(caller), errors.CredentialError):
            raise  # also when the listing had other troubles, which confirm nothing
        await _pause(caller, "credentials", CREDENTIALS_PAUSE, error)
        raise Paused from error


async def token_works(caller: Caller) -> bool:
    """Whether Civitai lists our workflows, which tells one 404 from an outage."""
    return await _listing_fails(caller) is None


async def probe(caller: Caller) -> None:
    """End the pause for a refused token if the token works again, else keep it up."""
    async with caller.engine.connect() as connection:
        held = {pause.cause: pause for pause in await pauses.holding(connection)}
    metrics.show_pauses(held.values())
    pause = held.get("credentials")
    if pause is None or pause.until - datetime.now(UTC) > PROBE_BEFORE_END:
        return
    if await token_works(caller):
        async with caller.engine.begin() as connection:
            await pauses.end(connection, "credentials")
        log.info("the token works again; fetching goes on")
    else:
        async with caller.engine.begin() as connection:
            await pauses.begin(connection, "credentials", length=CREDENTIALS_PAUSE, reason=pause.reason)


async def _pause(caller: Caller, cause: pauses.Cause, length: timedelta, error: errors.OrchestrationError) -> None:
    log.error("all fetching pauses", cause=cause, seconds=length.total_seconds(), error=str(error))
    async with caller.engine.begin() as connection:
        await pauses.begin(connection, cause, length=length, reason=str(error))


async def _listing_fails(caller: Caller) -> errors.OrchestrationError | None:
    """The canary: why Civitai does not list our workflows, None if it does."""
    try:
        async with caller.calls:
            await caller.api.query(take=1)
    except errors.OrchestrationError as error:
        return error
    return None
