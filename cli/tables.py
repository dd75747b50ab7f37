"""Rows for people and for programs: aligned tables, CSV, JSON Lines."""

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Form = Literal["table", "csv", "json"]

WIDE = 10_000  # columns; what is not read on a terminal is not folded either


def show(names: Sequence[str], rows: Sequence[Iterable[object]], form: Form) -> None:
    """Print the rows under their names."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_plain(value) for value in row] for row in rows)
    elif form == "json":
        for row in rows:
            print(json.dumps(dict(zip(names, row, strict=True)), default=_plain))  # noqa: T201
    else:
        _table(names, rows)


def _table(names: Sequence[str], rows: Sequence[Iterable[object]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    for name, column in zip(names, columns, strict=True):
        numbers = [value for value in column if value is not None]
        is_number = bool(numbers) and all(isinstance(value, int | float | Decimal) for value in numbers)
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(_plain(value))) for value in row))
    console.print(table)
    console.print(Text(f"{len(rows)} row{'' if len(rows) == 1 else 's'}", style="dim"))


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case bytes():
            return f"\\x{value.hex()}"
        case datetime():
            return value.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=_plain)
        case _:
            return str(value)


def _printable(text: str) -> str:
    """Without what a terminal would obey: control and direction-changing characters."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
