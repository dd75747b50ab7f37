"""`browse/` made anew: every stored result under the name that the template gives it, and nothing else."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import typer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, holdings, settings
from archive.names import browse, naming
from archive.names.browse import Browse, NameSet
from archive.storage import opening
from cli import chosen_template, failures, machine, progress
from worker import recognise_storage

NAME = "civitai-archive browse"

LONGEST_TRANSACTION = timedelta(minutes=5)
"""A result may be seen so much later than its row says that it was stored."""


def run(template: str | None) -> None:
    """Make it with this template, or else the one of the settings. Raises CommandFailed."""
    config = machine.read_settings()
    chosen = chosen_template.choose(template, config)
    if chosen is None:
        raise failures.CommandFailed("BROWSE_TEMPLATE is off: give a --template.", exit_code=failures.USAGE)
    shown, cleared = asyncio.run(_make(replace(config, browse_template=chosen)))
    typer.echo(f"{shown:,} results have their names; {cleared:,} names that did not belong there are gone.")
    if chosen != config.browse_template:
        typer.echo(f"For what is archived from now on, let workers have BROWSE_TEMPLATE={shlex.quote(chosen.text)}")


async def _make(config: settings.Settings) -> tuple[int, int]:
    """How many names there are now, and how many did not belong there."""
    engine = database.create_engine(config.required_database_url(), application_name=NAME, pool_size=2)
    try:
        store = opening.open_storage(config)
        await recognise_storage.recognise(engine, store)
        tree = browse.open_browse(config, store)
        if tree is None:
            raise failures.CommandFailed(f"{store.url} has no hard links: use civitai-archive export.")
        async with tree.turn():
            return await _make_anew(engine, tree)
    finally:
        await engine.dispose()


async def _make_anew(engine: AsyncEngine, tree: Browse) -> tuple[int, int]:
    """The same, when it is our turn."""
    async with engine.connect() as connection:
        began_at = (await connection.execute(select(func.now()))).scalar_one()
        total = await holdings.total(connection, holdings.Wanted())
    names = NameSet()
    shown = 0
    with progress.bar("names", total.results) as bar:
        async for count in _show(engine, tree, holdings.Wanted(), names):
            shown += count
            bar.advance(count)
    async with tree.alone():
        # Workers have been adding names meanwhile, which must not be taken for others'.
        late = holdings.Wanted(touched_since=began_at - LONGEST_TRANSACTION)
        async for _ in _show(engine, tree, late, names):
            pass
        return shown, await tree.clear_of_others(names)


async def _show(engine: AsyncEngine, tree: Browse, wanted: holdings.Wanted, names: NameSet) -> AsyncIterator[int]:
    """Show what is wanted, and remember its names; how many at a time."""
    async for holding in holdings.each(engine, wanted):
        files = naming.files(tree.template, holding.workflow_id, holding.heard_at, holding.document, holding.results)
        await tree.show(files)
        names.add(file.name for file in files)
        yield len(files)
