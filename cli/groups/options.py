"""Options that several commands share."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli import tables

Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def form(csv: bool, json: bool) -> "tables.Form":
    """The form that was chosen; BadParameter if both were."""
    if csv and json:
        raise typer.BadParameter("choose --csv or --json, not both")
    return "csv" if csv else "json" if json else "table"
