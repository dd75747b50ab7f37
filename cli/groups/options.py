"""Options that several commands share."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import moments

if TYPE_CHECKING:
    from cli import tables

Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how much it would be, and change nothing.")]
Template = Annotated[
    str | None,
    typer.Option(help="What to call the files, instead of BROWSE_TEMPLATE: {date}/{workflow}-{index}.{extension}."),
]
Since = Annotated[
    datetime | None,
    typer.Option(metavar="WHEN", parser=moments.beginning, help=f"What ended so then or later: {moments.EXAMPLE}."),
]


def form(csv: bool, json: bool) -> "tables.Form":
    """The form that was chosen; BadParameter if both were."""
    if csv and json:
        raise typer.BadParameter("choose --csv or --json, not both")
    return "csv" if csv else "json" if json else "table"
