"""Keys of the gateway: made, listed, revoked."""

import asyncio
from collections.abc import Collection, Sequence

import typer

from archive import database, keys
from cli import failures, machine, tables

NAME = "civitai-archive key"
COLUMNS = ("name", "scopes", "calls_per_minute", "created_at", "last_used_at", "revoked_at")


def create(name: str, scopes: Collection[str], calls_per_minute: int) -> None:
    """Make a key and print it to standard output: it is shown this once."""
    if not keys.NAME.fullmatch(name):
        sentence = f"{tables.printable(name)!r} is no name for a key: choose up to 63 letters, digits, . _ @ and -."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    if unknown := set(scopes).difference(keys.SCOPES):
        sentence = f"{tables.printable(min(unknown))!r} is no scope: choose of {', '.join(keys.SCOPES)}."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    chosen = [scope for scope in keys.SCOPES if scope in scopes]
    try:
        key = asyncio.run(_create(_database_url(), name, chosen, calls_per_minute))
    except keys.NameTaken:
        raise failures.CommandFailed(
            f"there is a key named {name} already: choose another name, or revoke that one first."
        ) from None
    typer.echo(f"The key {name} may {', '.join(chosen)}. It is shown this once: keep it.", err=True)
    typer.echo(key)


def list_all(form: tables.Form) -> None:
    """Print every key, but not what it is."""
    found = asyncio.run(_every(_database_url()))
    rows = [
        [key.name, ",".join(sorted(key.scopes)), key.calls_per_minute, key.created_at, key.last_used_at, key.revoked_at]
        for key in found
    ]
    tables.show(COLUMNS, rows, form)


def revoke(name: str) -> None:
    """End a key."""
    if not asyncio.run(_revoke(_database_url(), name)):
        raise failures.CommandFailed(
            f"there is no key named {tables.printable(name)!r} that could be revoked: "
            "civitai-archive key list shows what there is.",
            exit_code=failures.NOT_FOUND,
        )
    typer.echo(f"The key {name} is revoked; a gateway that runs refuses it within a second.")


def _database_url() -> str:
    return machine.read_settings().required_database_url()


async def _create(database_url: str, name: str, scopes: Collection[keys.Scope], calls_per_minute: int) -> str:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await keys.create(connection, name, scopes, calls_per_minute=calls_per_minute)


async def _every(database_url: str) -> Sequence[keys.Key]:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await keys.every(connection)


async def _revoke(database_url: str, name: str) -> bool:
    async with database.connect_once(database_url, application_name=NAME) as connection:
        return await keys.revoke(connection, name)
