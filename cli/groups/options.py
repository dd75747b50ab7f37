"""Options that several commands share."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

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
From = Annotated[
    datetime | None,
    typer.Option("--from", metavar="WHEN", parser=moments.beginning, help=f"Created then or later: {moments.EXAMPLE}."),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", metavar="WHEN", parser=moments.end, help="Created then or earlier; a day means to its end."),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until", metavar="WHEN", parser=moments.end, help="Created then or earlier; a day means to its end."
    ),
]
Source = Annotated[
    Literal["auto", "archive", "live"],
    typer.Option(help="Whom to ask; auto asks Civitai, and the archive if that does not answer or has forgotten."),
]
Document = Annotated[bool, typer.Option("--json", help="The document on one line.")]
Lines = Annotated[bool, typer.Option("--json", help="The documents as they are, one a line.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Only those with this tag; with several, with all.")
]
Query = Annotated[str | None, typer.Option(metavar="TEXT", help="Only those with this text in their metadata.")]
ExcludeFailed = Annotated[
    bool, typer.Option("--exclude-failed", "--excludeFailed", help="Leave out failed, expired and canceled ones.")
]
Oldest = Annotated[bool, typer.Option("--oldest", "--ascending", help="Oldest first.")]
Cursor = Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended, as it said.")]
Wait = Annotated[
    float | None,
    typer.Option(
        metavar="[SECONDS]", min=0, help="Wait until it has ended, for at most so long: 600 seconds if none are given."
    ),
]

WAIT_SECONDS = 600


class Waiting(TyperCommand):
    """A command whose `--wait` may come with seconds or without."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a `--wait` that stands alone its seconds."""
        given = []
        for word, following in zip(args, [*args[1:], ""], strict=True):
            alone = word == "--wait" and not re.fullmatch(r"[\d.]+", following)
            given.append(f"--wait={WAIT_SECONDS}" if alone else word)
        return super().parse_args(ctx, given)


def form(csv: bool, json: bool) -> "tables.Form":
    """The form that was chosen; BadParameter if both were."""
    if csv and json:
        raise typer.BadParameter("choose --csv or --json, not both")
    return "csv" if csv else "json" if json else "table"
