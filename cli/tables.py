"""Rows for people and for programs: aligned tables, CSV, JSON Lines."""

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Literal

Form = Literal["table", "csv", "json"]

WIDE = 10_000  # columns; what is not read on a terminal is not folded either
NARROW = 8  # columns


def show(names: Sequence[str], rows: Sequence[Iterable[object]], form: Form, *, whole: str | None = None) -> None:
    """Print the rows under their names.

    `table` folds what is too wide for the terminal, but not the column `whole`, an id that people copy, unless the
    others would have less than NARROW each. `csv` has a header line, NULL as nothing, and texts as they are, except on
    a terminal; `json` is one object a line, with texts for what JSON has no type for.
    """
    if form == "csv":
        _csv(names, rows)
    elif form == "json":
        for row in rows:
            print(json.dumps(_object(names, row)))  # noqa: T201
    else:
        _table(names, rows, whole)


def printable(text: str) -> str:
    """The text without what a terminal would obey: control and direction-changing characters."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _csv(names: Sequence[str], rows: Sequence[Iterable[object]]) -> None:
    shown = printable if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(shown(name) for name in names)
    writer.writerows([shown(_plain(value)) for value in row] for row in rows)


def _object(names: Sequence[str], row: Iterable[object]) -> dict[str, object]:
    """The row under its names; a name that comes again is numbered."""
    named: dict[str, object] = {}
    for name, value in zip(names, row, strict=True):
        unique, number = name, 1
        while unique in named:
            number += 1
            unique = f"{name}_{number}"
        named[unique] = _jsonable(value)
    return named


def _table(names: Sequence[str], rows: Sequence[Iterable[object]], whole: str | None) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    for name, column in zip(names, columns, strict=True):
        longest = max(cell_len(printable(_plain(value))) for value in (name, *column))
        table.add_column(
            Text(printable(name)),
            justify="right" if _are_numbers(column) else "left",
            overflow="fold",
            width=longest if name == whole and longest <= console.width - NARROW * (len(names) - 1) else None,
        )
    for row in rows:
        table.add_row(*(Text(printable(_plain(value))) for value in row))
    console.print(table)
    console.print(Text(f"{len(rows)} row{'' if len(rows) == 1 else 's'}", style="dim"))


def _are_numbers(column: Iterable[object]) -> bool:
    values = [value for value in column if value is not None]
    return bool(values) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values
    )


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"\\x{value.hex()}"
        case datetime():
            return value.isoformat(sep=" ").replace("+00:00", "Z")
        case time():
            return value.isoformat().replace("+00:00", "Z")
        case dict() | list():
            return json.dumps(_jsonable(value), ensure_ascii=False)
        case _:
            return str(value)


def _jsonable(value: object) -> object:
    """The value as JSON has it. NaN and the infinities, which it lacks, are texts."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Decimal() if not math.isfinite(value):
            return str(value)
        case float():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case list():
            return [_jsonable(item) for item in value]
        case dict():
            return {name: _jsonable(item) for name, item in value.items()}
        case _:
            return _plain(value)
