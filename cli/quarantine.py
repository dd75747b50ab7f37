"""What was delivered with the right secret and is no event: look at it, and read it again with newer code."""

import asyncio
import sys
from collections.abc import Sequence

import typer
from sqlalchemy import RowMapping, exc

from archive import database, quarantine
from cli import failures, machine, tables
from orchestration.events import Unreadable

NAME = "civitai-archive quarantine"
COLUMNS = ("id", "last_received_at", "deliveries", "source", "size", "reason")


def list_newest(count: int, form: tables.Form) -> None:
    """Print the last `count` that came."""
    rows = asyncio.run(_newest(_database_url(), count))
    tables.show(COLUMNS, [[row[name] for name in COLUMNS] for row in rows], form)


def show(delivery_id: int) -> None:
    """Print one: what is known about it to standard error, and its body, verbatim, to standard output."""
    row = asyncio.run(_find(_database_url(), delivery_id))
    if row is None:
        raise _not_found(delivery_id)
    for name in ("source", "parameters", "first_received_at", "last_received_at", "deliveries", "reason"):
        typer.echo(f"{name}: {tables.printable(str(row[name]))}", err=True)
    if sys.stdout.isatty():
        typer.echo(tables.printable(row["body"].decode(errors="replace")))
    else:
        sys.stdout.buffer.write(row["body"])


def reread(delivery_ids: Sequence[int]) -> None:
    """Read these again, or all; those that are events by now are recorded and leave quarantine."""
    read, still = asyncio.run(_reread(_database_url(), delivery_ids))
    typer.echo(f"{read} read as events; {still} cannot be read.")


def _database_url() -> str:
    return machine.read_settings().required_database_url()


async def _newest(database_url: str, count: int) -> Sequence[RowMapping]:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await quarantine.newest(connection, count)


async def _find(database_url: str, delivery_id: int) -> RowMapping | None:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await quarantine.find(connection, delivery_id)


async def _reread(database_url: str, delivery_ids: Sequence[int]) -> tuple[int, int]:
    engine = database.create_engine(database_url, application_name=NAME, pool_size=1)
    read = still = 0
    try:
        if not delivery_ids:
            async with engine.connect() as connection:
                chosen = await quarantine.ids(connection)
        else:
            chosen = delivery_ids
        for delivery_id in chosen:
            try:
                # One transaction each: what cannot be read keeps nothing else back.
                async with engine.begin() as connection:
                    found = await quarantine.reread(connection, delivery_id)
            except (Unreadable, exc.DBAPIError) as error:
                if database.is_unavailable(error):
                    raise
                still += 1
                continue
            if found is None and delivery_ids:
                raise _not_found(delivery_id)
            read += found is not None
    finally:
        await engine.dispose()
    return read, still


def _not_found(delivery_id: int) -> failures.CommandFailed:
    sentence = f"there is no delivery {delivery_id} in quarantine: civitai-archive quarantine list shows what there is."
    return failures.CommandFailed(sentence, exit_code=failures.NOT_FOUND)
