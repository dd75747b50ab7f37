"""The commands that prepare: the database's schema, what to tell Civitai, and who may speak to the gateway."""

from typing import Annotated

import typer

from cli import titles
from cli.groups import options

app = typer.Typer()


@app.command(epilog="Example: civitai-archive migrate")
def migrate() -> None:
    """Bring the database to the newest schema."""
    from cli import migrate

    migrate.run()


@app.command(epilog="Example: civitai-archive callback-url --source main")
def callback_url(
    source: Annotated[str | None, typer.Option(help="Only the secret of this name.")] = None,
) -> None:
    """Print the URL to register with Civitai, secret included, and the callbacks entry to paste."""
    from cli import callback_url

    callback_url.run(source)


key_app = typer.Typer(cls=titles.Titled, no_args_is_help=True, help="Make, list and revoke the gateway's keys.")
app.add_typer(key_app, name="key")


@key_app.command("create", epilog="Example: civitai-archive key create alice --scope read --scope write")
def key_create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[
        list[str],
        typer.Option(
            metavar="SCOPE",
            help="What it may do: read, write (submit and change), admin (managers' listings); repeatable.",
        ),
    ] = ["read"],  # noqa: B006 - typer copies it
    calls_per_minute: Annotated[int, typer.Option(help="How often it may call.", min=1, max=1_000_000)] = 600,
) -> None:
    """Make a key and print it, once: it is kept as a hash."""
    from cli import key

    key.create(name, scope, calls_per_minute)


@key_app.command("list", epilog="Example: civitai-archive key list")
def key_list(csv: options.Csv = False, json: options.Json = False) -> None:
    """List every key with its scopes and its last use, but not what it is."""
    from cli import key

    key.list_all(options.form(csv, json))


@key_app.command("revoke", epilog="Example: civitai-archive key revoke alice")
def key_revoke(name: Annotated[str, typer.Argument(help="Whose key it is.")]) -> None:
    """End a key for good."""
    from cli import key

    key.revoke(name)
