from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from cli import tables


def test_no_rows_still_have_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(["id", "status"], [], "table")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["id  status", "0 rows"]
    tables.show(["id", "status"], [], "csv")
    assert capsys.readouterr().out == "id,status\n"
    tables.show(["id", "status"], [], "json")
    assert capsys.readouterr().out == ""


def test_numbers_stand_right_and_truths_and_texts_left(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(["n", "d", "t", "w"], [(1, Decimal("2.50"), True, "x"), (None, Decimal(10), False, None)], "table")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["n     d  t      w", "1  2.50  true   x", "     10  false", "2 rows"]


def test_one_row_is_not_rows(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(["n"], [(1,)], "table")
    assert capsys.readouterr().out.splitlines()[-1] == "1 row"


def test_markup_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(["[bold]n[/bold]"], [("[red]:smile:[/nothing]",)], "table")
    assert capsys.readouterr().out.splitlines()[:2] == ["[bold]n[/bold]        ", "[red]:smile:[/nothing]"]


def test_moments_are_exact_and_nested_values_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 11, 22, 5, 6, 7, 8, tzinfo=UTC)
    tables.show(["a", "b", "c"], [(moment, time(5, 6), [moment, {"n": Decimal("NaN")}])], "json")
    assert capsys.readouterr().out == (
        '{"a": "2026-11-22 05:06:07.000008Z", "b": "05:06:00", "c": ["2026-11-22 05:06:07.000008Z", {"n": "NaN"}]}\n'
    )


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x9b", "\r", "\n", "\u202e", "\u2067", "\u2028", "\ud800"]
)
def test_what_a_terminal_obeys_is_replaced(character: str) -> None:
    assert tables.printable(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_what_people_write_is_kept() -> None:
    words = "größer 画像 🖼 «é» naïve – “x”"
    assert tables.printable(words) == words


def test_an_id_is_folded_last_of_all(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    short, long = "2614287-20261122121019627", "i" * 70
    tables.show(["id", "prompt"], [(short, "a harbour at dawn " * 9)], "table", whole="id")
    assert f"\n{short}  a harbour" in capsys.readouterr().out
    tables.show(["id", "prompt"], [(long, "a harbour")], "table", whole="id")
    out = capsys.readouterr().out
    assert out.count("i") >= len(long)
    assert max(len(line) for line in out.splitlines() if line.startswith("i")) <= 60
