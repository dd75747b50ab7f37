import asyncio
import csv
import io
import json
import os
import pty
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli import commands

SH = Path("/bin/sh")

TYPES: dict[str, tuple[str, str, Any]] = {
    "smallint": ("7::smallint", "7", 7),
    "bigint": ("9007199254740993::bigint", "9007199254740993", 9007199254740993),
    "sum": ("sum(12::bigint)", "12", 12),
    "numeric": ("1.50::numeric", "1.50", 1.5),
    "no_number": ("'NaN'::numeric", "NaN", "NaN"),
    "double": ("2.5::float8", "2.5", 2.5),
    "infinite": ("'-Infinity'::float8", "-inf", "-inf"),
    "truth": ("true", "true", True),
    "words": ("'zwei, \"drei\"\nvier'", 'zwei, "drei"\nvier', 'zwei, "drei"\nvier'),
    "bytes": (r"'\xdead'::bytea", r"\xdead", r"\xdead"),
    "moment": ("timestamptz '2026-11-22 06:07:08.000009+01'", "2026-11-22 05:07:08.000009Z", None),
    "day": ("date '2026-11-22'", "2026-11-22", "2026-11-22"),
    "while_": ("interval '1 day 2 hours'", "1 day, 2:00:00", "1 day, 2:00:00"),
    "key": ("'6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff", None),
    "tags": ("ARRAY['a,b', NULL]", '["a,b", null]', ["a,b", None]),
    "document": ("""'{"a": [1, null], "b": "ä"}'::jsonb""", '{"a": [1, null], "b": "ä"}', {"a": [1, None], "b": "ä"}),
    "older": ("'[]'::json", "[]", []),
    "nothing": ("NULL", "", None),
}
QUERY = "SELECT " + ", ".join(f"{expression} AS {name}" for name, (expression, _, _) in TYPES.items())


async def ask(environment: dict[str, str], query: str, *options: str) -> commands.Done:
    return await commands.run("sql", query, *options, environment=environment)


async def on_a_terminal(environment: dict[str, str], query: str, *options: str) -> str:
    """What reaches a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        commands.CIVITAI_ARCHIVE, "sql", query, *options, env=environment | {"COLUMNS": "80"}, stdout=theirs
    )
    os.close(theirs)
    assert await process.wait() == 0
    try:
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)


async def test_a_table_is_aligned_and_counted(servers: dict[str, str]) -> None:
    done = await ask(servers, "SELECT * FROM (VALUES ('one', 1), ('seven hundred', 700)) AS t (word, number)")
    assert (done.code, done.err) == (0, "")
    assert [line.rstrip() for line in done.out.splitlines()] == [
        "word           number",
        "one                 1",
        "seven hundred     700",
        "2 rows",
    ]


async def test_what_is_no_terminal_gets_plain_unfolded_lines(servers: dict[str, str]) -> None:
    done = await ask(servers, "SELECT repeat('x', 500) AS long")
    assert done.out.splitlines()[1].rstrip() == "x" * 500
    assert "\x1b" not in done.out


async def test_csv_holds_every_type(servers: dict[str, str]) -> None:
    done = await ask(servers, QUERY, "--csv")
    header, row = csv.reader(io.StringIO(done.out))
    assert header == list(TYPES)
    assert dict(zip(header, row, strict=True)) == {name: plain for name, (_, plain, _) in TYPES.items()}


async def test_json_holds_every_type(servers: dict[str, str]) -> None:
    done = await ask(servers, QUERY, "--json")
    (line,) = done.out.splitlines()
    expected = {name: plain if value is None and plain else value for name, (_, plain, value) in TYPES.items()}
    assert json.loads(line, parse_constant=pytest.fail) == expected
    assert Decimal(str(json.loads(line)["numeric"])) == Decimal("1.5")


async def test_the_tables_of_the_archive_are_reached(servers: dict[str, str]) -> None:
    done = await ask(servers, "SELECT count(*) AS workflows FROM workflows", "--csv")
    assert done.out == "workflows\n0\n"


@pytest.mark.parametrize("options", [[], ["--csv"]])
async def test_nothing_that_a_terminal_obeys_reaches_it(servers: dict[str, str], options: list[str]) -> None:
    value = r"E'\x1b[31mred\x07 \u202Egnp.exe\u2066 \u009b2J\r\n'"
    shown = await on_a_terminal(servers, f'SELECT {value} AS "na\x1b]0;title\x07me"', *options)
    assert "gnp.exe" in shown
    for dangerous in ("\x1b[31m", "\x1b]0", "\x07", "\u202e", "\u2066", "\u009b"):
        assert dangerous not in shown


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELEC 1", 'PostgreSQL refused: syntax error at or near "SELEC"'),
        ("DELETE FROM workflows", "cannot execute DELETE in a read-only transaction"),
        ("SELECT 1; DELETE FROM workflows", "cannot insert multiple commands"),
        ("", "that returns no rows: ask with SELECT"),
        ("SELECT E'\\x1b[31m'::int", 'invalid input syntax for type integer: "\N{REPLACEMENT CHARACTER}'),
    ],
)
async def test_a_statement_that_is_refused_is_one_sentence(servers: dict[str, str], query: str, sentence: str) -> None:
    done = await ask(servers, query)
    done.assert_failed(1, sentence.replace("(", r"\(").replace(")", r"\)"))
    assert done.out == ""


async def test_a_password_that_is_wrong_is_refused_not_away(servers: dict[str, str]) -> None:
    url = servers["DATABASE_URL"].replace("archive@", "nobody@")
    done = await ask(servers | {"DATABASE_URL": url}, "SELECT 1")
    done.assert_failed(1, 'PostgreSQL refused: role "nobody" does not exist')


async def test_two_forms_at_once_are_usage(servers: dict[str, str]) -> None:
    done = await ask(servers, "SELECT 1", "--csv", "--json")
    assert done.code == 2
    assert "choose --csv or --json" in done.err


async def test_a_name_that_comes_twice_is_numbered_in_json(servers: dict[str, str]) -> None:
    done = await ask(servers, "SELECT 1 AS a, 2 AS a, 3 AS a", "--json")
    assert json.loads(done.out) == {"a": 1, "a_2": 2, "a_3": 3}


async def test_a_reader_that_goes_away_is_no_error(servers: dict[str, str]) -> None:
    query = "SELECT repeat('x', 200) AS n FROM generate_series(1, 2000)"
    for options in ("", "--csv"):
        script = f'"{commands.CIVITAI_ARCHIVE}" sql "{query}" {options} | head -1'
        done = await commands.run("-c", script, environment=servers, program=SH)
        assert len(done.out.splitlines()) == 1
        assert done.err == ""


async def test_a_full_disk_is_one_sentence(servers: dict[str, str]) -> None:
    script = f'"{commands.CIVITAI_ARCHIVE}" sql "SELECT 1" > /dev/full'
    done = await commands.run("-c", script, environment=servers, program=SH)
    assert done.code != 0
    assert done.err.startswith("civitai-archive: the output cannot be read or written: No space left on device.\n")
    assert "Traceback" not in done.err
