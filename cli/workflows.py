"""Listings of workflows: one's own, or a user's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archive import cursors, settings
from cli import account, failures, printing, sources, summaries, tables
from orchestration import wire
from orchestration.client import Client, Page
from orchestration.filters import Filters
from orchestration.wire import JsonObject

RETENTION = timedelta(days=30)
"""What Civitai keeps of a workflow that has ended; older ones are the archive's alone."""

PAGE = 100  # workflows: as many as Civitai gives at once


@dataclass(frozen=True)
class Wanted:
    """What to list."""

    tags: tuple[str, ...] = ()
    query: str | None = None
    status: str | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None
    exclude_failed: bool = False
    ascending: bool = False
    take: int = 20
    cursor: str | None = None
    everything: bool = False


def run(wanted: Wanted, choice: sources.Choice, *, json: bool) -> None:
    """Print a page, or with `everything` all that follow it, and the cursor of the next one."""
    if wanted.from_date and wanted.to_date and wanted.from_date > wanted.to_date:
        raise failures.CommandFailed("--from is later than --to: nothing lies between.", exit_code=failures.USAGE)
    config = account.read_settings()
    asyncio.run(_list(config, wanted, choice, json=json))


async def _list(config: settings.Settings, wanted: Wanted, choice: sources.Choice, *, json: bool) -> None:
    rows: list[list[object]] = []
    left_out = 0
    following: str | None = None
    source: sources.Answer[Page] | None = None
    async for answer in _pages(config, wanted, choice):
        source = source or answer
        items = [item for item in answer.value.items if _is_wanted(item, wanted)]
        left_out += len(answer.value.items) - len(items)
        following = answer.value.next
        for item in items:
            if json:
                printing.line(account.struck(config, item))
            else:
                rows.append(summaries.row(item))
    if not json:
        tables.show(summaries.COLUMNS, rows, "table", whole="id")
    if left_out:
        printing.note(f"{left_out} more came, which Civitai should have left out by --from, --to or --status.")
    if following:
        (printing.note if json else printing.text)(f"Next cursor: {following}")
    if source:
        sources.announce(source, config)


async def _pages(
    config: settings.Settings, wanted: Wanted, choice: sources.Choice
) -> AsyncIterator[sources.Answer[Page]]:
    """The first page from where it can be had, and those that follow from there too."""
    cursor, take = wanted.cursor, PAGE if wanted.everything else wanted.take
    seen: set[str] = set()
    while True:
        answer = await _page(config, wanted, choice, take, cursor)
        yield answer
        cursor = answer.value.next
        if not (wanted.everything and cursor):
            return
        if cursor in seen:
            raise failures.CommandFailed("the listing goes in circles: the same page was announced twice.")
        seen.add(cursor)
        choice = answer.source


async def _page(
    config: settings.Settings, wanted: Wanted, choice: sources.Choice, take: int, cursor: str | None
) -> sources.Answer[Page]:
    async def live(civitai: Client) -> Page:
        return await civitai.query(take=take, cursor=cursor, **_filters(wanted))

    async def kept(database_url: str) -> Page:
        from archive import catalogue
        from cli import kept

        filters = catalogue.Filters(
            tags=wanted.tags,
            query=wanted.query,
            created_from=wanted.from_date,
            created_to=wanted.to_date,
            status=wanted.status,
            exclude_failed=wanted.exclude_failed,
            ascending=wanted.ascending,
        )
        try:
            return await kept.listing(config, database_url, filters, take=take, cursor=cursor)
        except cursors.BadCursor:
            sentence = "--cursor is none that the archive gave: take the one that the page before ended with."
            raise failures.CommandFailed(sentence, exit_code=failures.USAGE) from None

    return await sources.ask(
        config, choice, "workflows", live=live, kept=kept, archive_first=_why_archive(wanted, cursor)
    )


def _filters(wanted: Wanted) -> Filters:
    return {
        "tags": wanted.tags,
        "query": wanted.query,
        "status": wanted.status,
        "from_date": wanted.from_date,
        "to_date": wanted.to_date,
        "exclude_failed": wanted.exclude_failed,
        "ascending": wanted.ascending,
    }


def _why_archive(wanted: Wanted, cursor: str | None) -> str | None:
    if cursor and cursors.is_ours(cursor):
        return "the cursor is one of the archive's"
    if wanted.to_date and wanted.to_date < datetime.now(UTC) - RETENTION:
        return "Civitai keeps nothing that is so old"
    return None


def _is_wanted(item: JsonObject, wanted: Wanted) -> bool:
    """Whether it passes the filters that Civitai is said to ignore at times."""
    created = wire.timestamp(item.get("createdAt"))
    if created and (wanted.from_date or created) > created:
        return False
    if created and (wanted.to_date or created) < created:
        return False
    return not wanted.status or str(item.get("status")).lower() == wanted.status.lower()
