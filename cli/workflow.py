"""One workflow, as it is or as it is once ended, and one step of it."""

import asyncio
import sys
import time

from archive import settings
from cli import account, failures, printing, sources
from orchestration import errors, statuses
from orchestration.client import Client
from orchestration.wire import JsonObject

CADENCE = (2.0, 5.0, 10.0, 15.0, 30.0)
"""Seconds between two looks, as Civitai advises; the last for all that follow."""

LONGEST_POLL = 60.0
"""Seconds for which one call is left open: well below the hundred after which Civitai ends it."""

FIRST_POLL = 2.0
"""Seconds for the first one: then there is something to tell."""


def run(workflow_id: str, wait: float | None, choice: sources.Choice, *, json: bool) -> None:
    """Print the document. Raises CommandFailed if it was waited for in vain."""
    config = account.read_settings()
    document = account.struck(config, asyncio.run(_find(config, workflow_id, wait, choice)))
    (printing.line if json else printing.document)(document)
    if wait is not None and not statuses.is_terminal(document.get("status")):
        raise failures.CommandFailed(f"{workflow_id} has not ended within {wait:g} seconds: wait longer for it.")


def step(workflow_id: str, name: str, choice: sources.Choice, *, json: bool) -> None:
    """Print one step's document."""
    config = account.read_settings()

    async def kept(database_url: str) -> JsonObject | None:
        from cli import kept

        return await kept.step(config, database_url, workflow_id, name)

    answer = asyncio.run(
        sources.ask(
            config,
            choice,
            f"step {name!r} of workflow {workflow_id}",
            live=lambda civitai: civitai.step(workflow_id, name),
            kept=kept,
        )
    )
    (printing.line if json else printing.document)(sources.announce(answer, config))


async def until_ended(civitai: Client, workflow_id: str, seconds: float) -> JsonObject:
    """A workflow once it has ended, or as it is after so many seconds; tells meanwhile how it is."""
    began, looks = time.monotonic(), 0
    document: JsonObject = {}
    while True:
        looked = time.monotonic()
        left = seconds - (looked - began)
        try:
            document = await civitai.get(workflow_id, wait=min(max(left, 0.0), LONGEST_POLL if looks else FIRST_POLL))
        except errors.Transient:
            if left <= 0:
                raise
        if statuses.is_terminal(document.get("status")) or (document and left <= 0):
            _progress("")
            return document
        _progress(f"{workflow_id} is {document.get('status', 'not known yet')} after {looked - began:.0f} s …")
        if looks:
            pause = CADENCE[min(looks, len(CADENCE)) - 1] - (time.monotonic() - looked)
            await asyncio.sleep(max(0.0, min(pause, left)))
        looks += 1


async def _find(config: settings.Settings, workflow_id: str, wait: float | None, choice: sources.Choice) -> JsonObject:
    async def live(civitai: Client) -> JsonObject:
        return await (civitai.get(workflow_id) if wait is None else until_ended(civitai, workflow_id, wait))

    async def kept(database_url: str) -> JsonObject | None:
        from cli import kept

        return await kept.workflow(config, database_url, workflow_id)

    answer = await sources.ask(config, choice, f"workflow {workflow_id}", live=live, kept=kept)
    return sources.announce(answer, config)


def _progress(told: str) -> None:
    """One line on a terminal, written over by the next."""
    if sys.stderr.isatty():
        from cli import tables

        sys.stderr.write(f"\r\x1b[K{tables.printable(told)}")
        sys.stderr.flush()
