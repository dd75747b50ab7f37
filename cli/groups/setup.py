"""The commands that prepare: the database's schema, and what to tell Civitai and others."""

from typing import Annotated

import typer

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
