"""From storage alone to a database that knows all of it."""

import asyncio

import typer

from archive import database, settings
from archive.names import browse
from archive.storage import opening
from cli import failures, machine, progress, schema, tables
from worker import rebuild as rebuilding
from worker import recognise_storage

COLUMNS = ("file", "fault")


def run(*, into_filled: bool, form: tables.Form) -> None:
    """Rebuild, and print what could not be taken in. Raises CommandFailed, with exit code 1, if anything could not."""
    config = machine.read_settings()
    schema.check(config.required_database_url())
    try:
        rebuilt = asyncio.run(_rebuild(config, into_filled=into_filled))
    except rebuilding.NotEmpty:
        raise failures.CommandFailed(
            "the database is not empty: name an empty one that has been migrated, or say --into-filled to add to it."
        ) from None
    except rebuilding.UnderWay:
        raise failures.CommandFailed("somebody else is rebuilding this database: wait until it is done.") from None
    if rebuilt.faults or form != "table":
        tables.show(COLUMNS, rebuilt.faults, form)
    if rebuilt.faults:
        raise failures.CommandFailed(
            f"{rebuilt.files} files taken in; {len(rebuilt.faults)} times something could not be, as listed: "
            "put copies of these files there and rebuild again with --into-filled."
        )
    if form == "table":
        typer.echo(f"{rebuilt.files} files taken in. civitai-archive verify --all proves that the bytes are there too.")
        typer.echo("The next reconcile looks for what was missed meanwhile, as far back as Civitai keeps it.")
        if browse.open_browse(config, opening.open_storage(config)) is not None:
            typer.echo("civitai-archive browse gives what is kept its names for people anew: run it once.")


async def _rebuild(config: settings.Settings, *, into_filled: bool) -> rebuilding.Rebuilt:
    engine = database.create_engine(config.required_database_url(), application_name="civitai-archive rebuild")
    storage = opening.open_storage(config)
    try:
        await recognise_storage.recognise(engine, storage)
        with progress.bar("files", await rebuilding.count(storage)) as bar:
            return await rebuilding.rebuild(engine, storage, into_filled=into_filled, advance=bar.advance)
    finally:
        await engine.dispose()
