import pytest

from release import licences


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("none", False),
    ],
)
def test_an_alternative_is_enough_and_a_conjunction_needs_all(licence: str, allowed: bool) -> None:
    assert licences.is_allowed(licence) is allowed


def test_everything_that_the_image_holds_may_be_shipped_and_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"starlette", "asyncpg", "obstore"} <= set(licences.locked())
    monkeypatch.setattr("sys.argv", ["licences", "--check"])
    licences.main()
    assert capsys.readouterr().out == ""


def test_older_packages_words_are_understood() -> None:
    assert licences.licence_of("aiolimiter") == "MIT"
    assert licences.licence_of("starlette") == "BSD-3-Clause"
