"""What was told of a workflow, and what happened to it: the archive's own knowledge, which Civitai has not."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from archive import database, timeline
from cli import failures, machine, printing, tables

NAME = "civitai-archive timeline"


def events(workflow_id: str, form: tables.Form) -> None:
    """Print every event that was told, in the order in which they came."""
    told = asyncio.run(_events(machine.read_settings().required_database_url(), workflow_id))
    if not told:
        raise _unknown(workflow_id)
    names = ("received", "scope", "step", "job", "status", "occurred", "reason", "deliveries", "source")
    rows = [
        (
            one.at,
            one.scope,
            one.step_name,
            one.job_id,
            one.status,
            one.occurred_at,
            "; ".join(filter(None, (one.reason, one.blocked_reason))) or None,
            one.deliveries,
            one.source,
        )
        for one in told
    ]
    tables.show(names, rows, form, whole="job")


def show(workflow_id: str, *, json: bool) -> None:
    """Print what happened, oldest first, with the time in between, and then what was never told."""
    story = asyncio.run(_read(machine.read_settings().required_database_url(), workflow_id))
    if story is None:
        raise _unknown(workflow_id)
    if json:
        printing.line(_jsonable(asdict(story)))
        return
    rows = []
    before: datetime | None = None
    for moment in story.moments:
        passed = _passed(moment.at - before) if before else ""
        rows.append((moment.at, passed, moment.hand, moment.scope, moment.name, moment.what, moment.note))
        before = moment.at
    tables.show(("at", "after", "from", "scope", "name", "what", "note"), rows, "table", whole="name")
    for gap in story.gaps:
        named = f"{gap.scope} {gap.name}" if gap.name else gap.scope
        printing.text(f"Never told: {named} {gap.status}" + (f" at {gap.at:%Y-%m-%d %H:%M:%S}Z" if gap.at else ""))


async def _events(database_url: str, workflow_id: str) -> Sequence[timeline.Told]:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await timeline.events(connection, workflow_id)


async def _read(database_url: str, workflow_id: str) -> timeline.Timeline | None:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await timeline.read(connection, workflow_id)


def _unknown(workflow_id: str) -> failures.CommandFailed:
    sentence = f"the archive was told nothing of workflow {tables.printable(workflow_id)}: is its id right?"
    return failures.CommandFailed(sentence, exit_code=failures.NOT_FOUND)


def _passed(span: timedelta) -> str:
    """`+0.2 s`, `+3 min`, `+2 d`."""
    seconds = span.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"+{seconds / size:.1f} {unit}"
    return f"+{seconds:.1f} s"


def _jsonable(value: object) -> object:
    match value:
        case dict():
            return {key: _jsonable(inner) for key, inner in value.items()}
        case list():
            return [_jsonable(inner) for inner in value]
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
    return value
