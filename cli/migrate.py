"""The schema, brought up to date."""

import typer

from cli import machine
from migrations.upgrade import upgrade


def run() -> None:
    """Upgrade the database of this machine's settings."""
    upgrade(machine.read_settings().required_database_url())
    typer.echo("The database has the newest schema.")
