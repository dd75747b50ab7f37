import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import printing


@given(st.text())
def test_json_keeps_its_meaning_and_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    for indent in (None, 2):
        written = printing.visible(json.dumps({text: [text]}, ensure_ascii=False, indent=indent))
        assert json.loads(written) == {text: [text]}
        assert all(character.isprintable() or character == "\n" for character in written)


def test_letters_of_every_script_stay_readable(capsys: pytest.CaptureFixture[str]) -> None:
    printing.line({"prompt": "ein Fuchs 狐 🦊"})
    assert capsys.readouterr().out == '{"prompt": "ein Fuchs 狐 🦊"}\n'


def test_notes_go_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    printing.note("a\x1b[31mb")
    assert capsys.readouterr() == ("", "a�[31mb\n")
