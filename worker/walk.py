"""A walk through Civitai's listing of workflows, page by page, resumable at each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from aiolimiter import AsyncLimiter
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, listings, pauses, settings
from archive.ranges import Listed, Listing
from orchestration import client, documents, errors, retry, statuses
from orchestration.filters import Filters
from worker import civitai

PAGE = 100
"""Workflows of a page: as many as Civitai gives."""

SHARE = 4
"""A command that lists makes at most a quarter of the calls that a worker may, so that live work keeps its pace."""

TRIES = retry.API_CALLS

LENIENCE = timedelta(days=1)
"""Dates that are off by less may have been read as days; by more, they were ignored."""

_READ = ("id", "status", "createdAt", "completedAt")

log = structlog.get_logger()

Told = Callable[[Listing], None]
Wait = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Lister:
    """What a walk takes; a worker's tools have it too."""

    engine: AsyncEngine
    api: client.Client
    calls: AsyncLimiter


@asynccontextmanager
async def open_lister(config: settings.Settings, *, application_name: str) -> AsyncIterator[Lister]:
    """A lister for a command, within its share of the calls. Raises SettingsError."""
    token = config.required_api_token().reveal()
    engine = database.create_engine(config.required_database_url(), application_name=application_name, pool_size=2)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        api = await stack.enter_async_context(client.Client(config.api_url, token, retries=None))
        yield Lister(engine, api, AsyncLimiter(max(1, config.api_calls_per_second // SHARE), 1))


async def walk(
    lister: civitai.Caller,
    listing: Listing,
    *,
    tell: Told | None = None,
    wait: Wait | None = None,
    dry: bool = False,
) -> Listing:
    """Take in every page that is left, and give the finished listing; `tell` hears of each page.

    Those who walk through the same listing at once share it: who comes second with a page goes on from where the other
    is. With `dry` nothing is written. When calls pause, `wait` returns once that is over; without it civitai.Paused is
    raised. Raises an OrchestrationError that stays after a few tries. The walk goes on another time.
    """
    seen: set[str | None] = set()
    pages = _Pages(lister)
    try:
        while listing.finished_at is None:
            seen.add(listing.cursor)
            try:
                page = await pages.get(listing)
            except civitai.Paused:
                if wait is None:
                    raise
                await wait()
                continue
            if page.next in seen and page.next is not None:
                raise errors.Unreachable(call="list workflows", detail="the same page was announced twice")
            was_newest_first = listing.newest_first
            listing = await (_dry_step if dry else _step)(lister.engine, listing, page)
            if listing.newest_first != was_newest_first:
                seen.clear()
            if tell is not None:
                tell(listing)
    finally:
        await pages.aclose()
    return listing


class _Pages:
    """Fetches a page while the one before is taken in."""

    def __init__(self, lister: civitai.Caller) -> None:
        self._lister = lister
        self._ahead: dict[tuple[str | None, bool], asyncio.Task[client.Page]] = {}

    async def get(self, listing: Listing) -> client.Page:
        """The page whose turn it is; what `fetch` raises."""
        fetching = self._ahead.pop((listing.cursor, listing.newest_first), None)
        await self.aclose()  # what was fetched in vain: somebody else has gone on, or the order has changed
        page = await (fetching or fetch(self._lister, listing))
        if page.next is not None:
            following = replace(listing, cursor=page.next)
            key = (page.next, listing.newest_first)
            self._ahead[key] = asyncio.create_task(fetch(self._lister, following))
        return page

    async def aclose(self) -> None:
        """Fetch nothing more."""
        for fetching in self._ahead.values():
            fetching.cancel()
        await asyncio.gather(*self._ahead.values(), return_exceptions=True)
        self._ahead.clear()


async def _step(engine: AsyncEngine, listing: Listing, page: client.Page) -> Listing:
    listed = read(page)
    async with engine.begin() as connection:
        if dates_were_ignored(listing, listed):
            log.warning("Civitai ignored the dates; listing newest first", purpose=listing.purpose)
            moved = await listings.turn_round(connection, listing)
        else:
            inside, cursor = _of_interest(listing, listed, page.next)
            moved = await listings.take_in(connection, listing, inside, cursor=cursor)
        return moved or await listings.find(connection, listing)


async def _dry_step(engine: AsyncEngine, listing: Listing, page: client.Page) -> Listing:
    listed = read(page)
    if dates_were_ignored(listing, listed):
        return listing.turned_round()
    inside, cursor = _of_interest(listing, listed, page.next)
    async with engine.connect() as connection:
        return await listings.weigh(connection, listing, inside, cursor=cursor)


def _of_interest(listing: Listing, listed: Sequence[Listed], following: str | None) -> tuple[list[Listed], str | None]:
    """What of the page is in the range, and the cursor of the next one if any of that may be."""
    inside = [one for one in listed if listing.range.holds(one.created_at)]
    return inside, None if is_beyond(listing, listed) else following


async def fetch(lister: civitai.Caller, listing: Listing) -> client.Page:
    """The page whose turn it is, tried again a few times. Raises civitai.Paused and OrchestrationError."""
    filters: Filters = {"tags": listing.tags, "query": listing.query}
    if not listing.newest_first:
        filters |= {"ascending": True, "from_date": listing.from_date, "to_date": listing.to_date}
    call = partial(lister.api.query, take=PAGE, cursor=listing.cursor, **filters)
    failures = 0
    while True:
        async with lister.engine.connect() as connection:
            held = [pause for pause in await pauses.holding(connection) if pause.cause != "jobs"]
        if held:
            raise civitai.Paused
        try:
            return await civitai.ask(lister, call)
        except errors.Transient as error:
            failures += 1
            now = datetime.now(UTC)
            decision = retry.decide(error, failures, now, schedule=TRIES)
            if decision is None:
                raise
            log.warning("could not list; trying again", error=str(error), failures=failures)
            await asyncio.sleep((decision.at - now).total_seconds())


def read(page: client.Page) -> Sequence[Listed]:
    """The workflows of a page. What has no id that we could keep is left out."""
    # Without the steps, of which a listing's reader needs nothing, and which are most of the work.
    read = [documents.read({name: item.get(name) for name in _READ}) for item in page.items]
    if strange := sum(workflow.id is None for workflow in read):
        log.error("a listing names workflows without a usable id; they are left out", workflows=strange)
    return [
        Listed(workflow.id, workflow.created_at, workflow.completed_at, statuses.is_terminal(workflow.status))
        for workflow in read
        if workflow.id is not None
    ]


def dates_were_ignored(listing: Listing, listed: Sequence[Listed]) -> bool:
    """Whether the page shows, in a listing that was to begin at a date, that it did not."""
    if listing.newest_first or listing.from_date is None:
        return False
    bound = listing.from_date - LENIENCE
    return any(one.created_at is not None and one.created_at < bound for one in listed)


def is_beyond(listing: Listing, listed: Sequence[Listed]) -> bool:
    """Whether all of the page, and so whatever follows, lies behind the end of the range in the direction we go.

    Only if the page itself goes in that direction: an order that was ignored too says nothing of what follows.
    """
    created = [one.created_at for one in listed if one.created_at is not None]
    if not created or len(created) < len(listed):
        return False
    if listing.newest_first:
        return created[0] >= created[-1] and all(map(listing.range.is_before, created))
    return created[0] <= created[-1] and all(map(listing.range.is_after, created))
