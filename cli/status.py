"""How the archive is doing, at a glance or all the time."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, marker, settings, status
from cli import failures, machine, places, signals, tables

NAME = "civitai-archive status"
WATCH_SECONDS = 2.0


@dataclass(frozen=True)
class View:
    """What is shown: how the archive is, where its things lie, and what is wrong with them."""

    archive: status.Status
    storage: places.StorageState
    spool: places.SpoolState

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it should be."""
        elsewhere = (self.storage.fault, self.spool.fault(self.archive.looked_at))
        return [*self.archive.faults(), *(fault for fault in elsewhere if fault)]


def run(*, as_json: bool) -> None:
    """Print it once. Raises CommandFailed, with exit code 1, if something is not as it should be."""
    config = machine.read_settings()
    view = asyncio.run(_look_once(config))
    if as_json:
        print(_json(view), flush=True)  # noqa: T201
    else:
        console = _console()
        console.print(_table(view))
        if not view.faults:
            console.print(Text("healthy", style="green"))
    if view.faults:
        raise failures.CommandFailed("; ".join(view.faults))


def watch(*, as_json: bool) -> None:
    """Show it anew every two seconds until Ctrl-C: in place on a terminal, else one below the other."""
    signals.run(_watch(machine.read_settings(), as_json=as_json))


async def _watch(config: settings.Settings, *, as_json: bool) -> None:
    console = _console()
    in_place = console.is_terminal and not as_json
    engine = _engine(config)
    try:
        with Live(console=console, auto_refresh=False) if in_place else nullcontext() as live:
            while True:
                try:
                    view = await _look(engine, config)
                except Exception as error:
                    failure = failures.explain(error)
                    if failure is None:
                        raise
                    shown: RenderableType = Text(failure.sentence, style="red")
                    line = json.dumps({"healthy": False, "faults": [failure.sentence]})
                else:
                    shown, line = _watched(view), _json(view)
                if live is not None:
                    live.update(shown, refresh=True)
                elif as_json:
                    print(line, flush=True)  # noqa: T201
                else:
                    console.print(shown, "")
                    sys.stdout.flush()
                await asyncio.sleep(WATCH_SECONDS)
    finally:
        await engine.dispose()


async def _look_once(config: settings.Settings) -> View:
    engine = _engine(config)
    try:
        return await _look(engine, config)
    finally:
        await engine.dispose()


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else tables.WIDE)


def _engine(config: settings.Settings) -> AsyncEngine:
    return database.create_engine(config.required_database_url(), application_name=NAME, pool_size=1)


async def _look(engine: AsyncEngine, config: settings.Settings) -> View:
    async with engine.connect() as connection:
        seen, expected = await status.look(connection), await marker.seen(connection)
    return View(seen, await places.storage_state(config, expected), places.spool_state(config))


def _json(view: View) -> str:
    facts = {"healthy": not view.faults, "faults": view.faults, **asdict(view.archive)}
    return json.dumps(facts | {"storage": asdict(view.storage), "spool": asdict(view.spool)}, default=_moment)


def _moment(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _watched(view: View) -> RenderableType:
    """The table, what is wrong below it, and when that was."""
    faults = [Text(tables.printable(fault), style="red") for fault in view.faults]
    verdict = faults or [Text("healthy", style="green")]
    return Group(_table(view), *verdict, Text(f"{view.archive.looked_at:%Y-%m-%d %H:%M:%S} UTC", style="dim"))


def _table(view: View) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in _lines(view):
        table.add_row(Text(name, style="dim"), Text(tables.printable(value)))
    return table


def _lines(view: View) -> Iterator[tuple[str, str]]:
    seen, now = view.archive, view.archive.looked_at
    yield "due", f"{seen.due:,}"
    yield "being archived", f"{seen.leased:,}"
    yield "archived", f"{seen.archived:,}"
    yield "dead", f"{seen.dead:,}"
    yield "results dead", f"{seen.dead_results:,}"
    for reason in seen.dead_by_reason:
        yield "", f"{reason.workflows:,} + {reason.results:,}  {reason.reason}"
    yield "drift", f"{seen.drift:,}"
    yield "due for", _ago(seen.oldest_due_at, now)
    yield "nearest deadline in", _ago(now, seen.nearest_deadline_at)
    yield "at risk", f"{seen.at_risk:,}"
    yield "storage", f"{view.storage.url}, {'not to be reached' if view.storage.fault else 'reachable'}"
    damaged = f", {seen.damaged:,} damaged" if seen.damaged else ""
    yield "stored", f"{seen.objects:,} objects, {_size(seen.bytes)}{damaged}"
    yield "spool", f"{view.spool.files:,} files, {_size(view.spool.bytes)}" if view.spool.files else "empty"
    yield "last callback", _since(seen.last_callback_at, now)
    yield "last reconcile", _since(seen.last_reconcile_at, now)
    yield "paused", ", ".join(pause.cause for pause in seen.paused) or "no"


def _since(moment: datetime | None, now: datetime) -> str:
    return f"{_ago(moment, now)} ago" if moment else "never"


def _ago(before: datetime | None, after: datetime | None) -> str:
    if before is None or after is None:
        return "–"
    seconds = max(0, int((after - before).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
