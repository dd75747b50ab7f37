"""One variable at a time: from the environment or from a file, never from both."""

from pathlib import Path

import pytest

from archive import settings


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_every_variable_can_be_given_as_a_file(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    value = settings.EXAMPLES[variable].replace(" ", "-")
    file.write_text(f"{value}\n", encoding="utf-8")
    assert settings.read({f"{variable}_FILE": str(file)}) == settings.read({variable: value})


@pytest.mark.parametrize("variable", sorted(settings.EXAMPLES))
def test_a_variable_and_its_file_at_once_are_refused(variable: str, tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=rf"^{variable} and {variable}_FILE are both set"):
        settings.read({variable: settings.EXAMPLES[variable], f"{variable}_FILE": str(tmp_path / "value")})


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path, reason in ((tmp_path / "absent", "No such file"), (tmp_path, "Is a directory"), (binary, "not UTF-8")):
        with pytest.raises(settings.SettingsError, match=f"^CALLBACK_SECRETS cannot be read from .*{reason}") as caught:
            settings.read({"CALLBACK_SECRETS_FILE": str(path)})
        assert str(path) in str(caught.value)


def test_an_empty_value_or_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n", encoding="utf-8")
    nothing = dict.fromkeys(settings.EXAMPLES, "") | {"CALLBACK_SECRETS_FILE": str(empty)}
    assert settings.read(nothing) == settings.read({})
