"""Copies of stored results for elsewhere: a directory or a ZIP file, with names for people and a list of digests."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.filesize import decimal
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, exports, holdings, settings
from archive.names import naming, templates, trees
from archive.storage import Storage, opening
from cli import chosen_template, failures, machine, progress, tables
from worker import recognise_storage

NAME = "civitai-archive export"


@dataclass
class Exported:
    """How much has been copied, and how much is not there for a reason that has been told."""

    copied: int = 0
    bytes: int = 0
    already: int = 0
    missing: int = 0


def run(to: Path, wanted: holdings.Wanted, template: str | None) -> None:
    """Copy what is wanted, and say how much. Raises CommandFailed, with exit code 1 if anything is missing."""
    config = machine.read_settings()
    chosen = chosen_template.choose(template, config) or templates.parse(templates.DEFAULT)
    done = asyncio.run(_export(config, to, wanted, chosen))
    told = f"{done.copied:,} results copied to {to}, {decimal(done.bytes)}; {done.already:,} were there already."
    typer.echo(tables.printable(told))
    if done.missing:
        raise failures.CommandFailed(f"{done.missing:,} results are missing from {to}.")


async def _export(
    config: settings.Settings, to: Path, wanted: holdings.Wanted, template: templates.Template
) -> Exported:
    engine = database.create_engine(config.required_database_url(), application_name=NAME, pool_size=1)
    try:
        store = opening.open_storage(config)
        await recognise_storage.recognise(engine, store)
        async with engine.connect() as connection:
            total = await holdings.total(connection, wanted)
        done = Exported()
        with exports.open_target(to) as target, progress.bar("results", total.results) as bar:
            async for file in _files(engine, wanted, template):
                await _copy(store, target, file, done)
                bar.advance()
            await target.finish()
        return done
    finally:
        await engine.dispose()


async def _files(
    engine: AsyncEngine, wanted: holdings.Wanted, template: templates.Template
) -> AsyncIterator[naming.File]:
    async for held in holdings.each(engine, wanted):
        for file in naming.files(template, held.workflow_id, held.heard_at, held.document, held.results):
            yield file


async def _copy(store: Storage, target: exports.Target, file: naming.File, done: Exported) -> None:
    """Copy one file, or tell why it cannot be."""
    try:
        if await exports.copy(store, target, file):
            done.copied += 1
            done.bytes += file.size
        else:
            done.already += 1
    except FileNotFoundError:
        _miss(done, file, f"storage has no object {file.digest}: civitai-archive verify mends what it can")
    except (exports.Damaged, trees.InTheWay) as error:
        _miss(done, file, str(error))


def _miss(done: Exported, file: naming.File, reason: str) -> None:
    done.missing += 1
    typer.echo(tables.printable(f"{file.name} is missing: {reason}."), err=True)
