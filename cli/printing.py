"""What goes to the terminal from others' documents: the same JSON, in which nothing is left that a terminal obeys."""

import json
import re
import sys
from typing import Any

import typer

from cli import tables

_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")


def document(value: Any) -> None:
    """Print one document, for people to read."""
    typer.echo(visible(json.dumps(value, indent=2, ensure_ascii=False)))


def line(value: Any) -> None:
    """Print one document on a line, for programs."""
    typer.echo(visible(json.dumps(value, ensure_ascii=False)))


def text(told: str) -> None:
    """Print a line in which others' words may be."""
    typer.echo(tables.printable(told))


def note(told: str) -> None:
    """Say something beside the output: to standard error."""
    sys.stdout.flush()
    typer.echo(tables.printable(told), err=True)


def visible(written: str) -> str:
    """JSON with the same meaning, in which control and direction-changing characters are escapes."""
    return _NOT_ASCII.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], written)
