"""How the archive is doing, at a glance."""

import asyncio
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive import database, pauses, status
from cli import failures, machine

OVERDUE = timedelta(minutes=10)
"""What has been due for longer, while nothing pauses, says that no worker works."""


def run() -> None:
    """Print it. Raises CommandFailed, with exit code 1, if something is not as it should be."""
    now, held, paused = asyncio.run(_look(machine.read_settings().required_database_url()))
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in (
        ("due", str(held.due)),
        ("being archived", str(held.leased)),
        ("archived", str(held.archived)),
        ("dead", str(held.dead)),
        ("results dead", str(held.dead_results)),
        ("drift", str(held.drift)),
        ("due for", _ago(held.oldest_due_at, now)),
        ("nearest deadline in", _ago(now, held.nearest_deadline_at)),
        ("last callback", f"{_ago(held.last_callback_at, now)} ago" if held.last_callback_at else "never"),
    ):
        table.add_row(Text(name, style="dim"), value)
    console.print(table)
    faults = [f"paused ({pause.cause}) until {pause.until:%H:%M:%S} UTC: {pause.reason}" for pause in paused]
    if held.dead:
        faults.append(f"{held.dead} dead (their dead_at is set, and last_error says why)")
    if held.dead_results:
        faults.append(f"{held.dead_results} results dead (their dead_at is set, and last_error says why)")
    if not paused and held.oldest_due_at and now - held.oldest_due_at > OVERDUE:
        faults.append("something has been due for long: is a worker running?")
    if faults:
        raise failures.CommandFailed("; ".join(faults))
    console.print(Text("healthy", style="green"))


async def _look(database_url: str) -> tuple[datetime, status.Status, list[pauses.Pause]]:
    async with database.connect_once(database_url, application_name="civitai-archive status") as connection:
        paused = [pause for pause in await pauses.holding(connection) if pause.cause != "jobs"]
        return datetime.now(UTC), await status.look(connection), paused


def _ago(before: datetime | None, after: datetime | None) -> str:
    if before is None or after is None:
        return "–"
    seconds = max(0, int((after - before).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
