"""A walk through Civitai's listing as a command: shown while it goes on, waiting while calls pause."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from archive import logs, pauses, settings
from archive.ranges import Listing
from cli import failures, signals
from orchestration import errors
from worker import walk

LINE_SECONDS = 10.0
"""How often a line is written where nobody watches."""

Work = Callable[[walk.Lister, walk.Told, walk.Wait], Coroutine[Any, Any, Listing]]


def run(config: settings.Settings, name: str, work: Work) -> Listing:
    """Walk to the end, and give the finished listing. Raises CommandFailed, SettingsError, and what PostgreSQL does."""
    logs.configure(level=logging.WARNING)
    finished: list[Listing] = []

    async def walked() -> None:
        async with walk.open_lister(config, application_name=f"civitai-archive {name}") as lister:
            finished.append(await _walk(lister, name, work))

    if number := signals.run(walked()):
        sentence = f"{name} was interrupted; the same command goes on from the page where it stopped."
        raise failures.CommandFailed(sentence, exit_code=128 + number)
    return finished[0]


async def _walk(lister: walk.Lister, name: str, work: Work) -> Listing:
    async def wait() -> None:
        async with lister.engine.connect() as connection:
            held = [pause for pause in await pauses.holding(connection) if pause.cause != "jobs"]
        for pause in held:
            typer.echo(
                f"{name}: calls pause until {pause.until:%H:%M:%S} UTC ({pause.cause}): {pause.reason}", err=True
            )
        now = datetime.now(UTC)
        await asyncio.sleep(max((pause.until - now for pause in held), default=timedelta(0)).total_seconds())

    try:
        # A token that is refused is told at once, and pauses nobody else.
        await lister.api.query(take=1)
        with _shown(name) as tell:
            return await work(lister, tell, wait)
    except errors.CredentialError as error:
        raise failures.CommandFailed(str(error), exit_code=failures.CREDENTIALS) from error
    except errors.OrchestrationError as error:
        sentence = f"{error} What was taken in so far is kept; the same command goes on from there."
        raise failures.CommandFailed(sentence) from error


@contextmanager
def _shown(name: str) -> Iterator[walk.Told]:
    """A bar where standard error is a terminal, a line now and then where it is not."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield _lines(name)
        return
    columns = (
        TextColumn(name),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task(name, total=None, counts="")
        pace = _Pace()

        def tell(listing: Listing) -> None:
            share = covered(listing)
            progress.update(
                task, total=None if share is None else 1.0, completed=share or 0.0, counts=pace.counts(listing)
            )

        yield tell


def _lines(name: str) -> walk.Told:
    pace = _Pace()
    said = time.monotonic()

    def tell(listing: Listing) -> None:
        nonlocal said
        counts = pace.counts(listing)
        if time.monotonic() - said >= LINE_SECONDS or listing.finished_at is not None:
            said = time.monotonic()
            share = covered(listing)
            told = "" if share is None else f"{share:.0%}, "
            typer.echo(f"{name}: {told}{counts}", err=True)

    return tell


class _Pace:
    """How much was listed, and how fast since we watch."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: Listing | None = None

    def counts(self, listing: Listing) -> str:
        if self._first is None or self._first.newest_first != listing.newest_first:
            self._first = listing
        seconds = time.monotonic() - self._began
        rate = (listing.listed - self._first.listed) / seconds if seconds else 0.0
        return f"{listing.listed:,} listed, {listing.unheard:,} new, {rate:,.0f}/s"


def covered(listing: Listing) -> float | None:
    """How much of the range's time lies behind us, from 0 to 1; None while nothing says so."""
    if listing.finished_at is not None:
        return 1.0
    if listing.first_at is None or listing.reached_at is None:
        return None
    if listing.newest_first:
        begin, end = listing.from_date, listing.first_at
        behind = end - listing.reached_at
    else:
        begin, end = listing.first_at, listing.to_date or listing.begun_at
        behind = listing.reached_at - begin
    if begin is None or end <= begin:
        return None
    return min(1.0, max(0.0, behind / (end - begin)))
