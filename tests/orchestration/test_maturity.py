import pytest

from orchestration import maturity


@pytest.mark.parametrize(
    ("level", "mature"),
    [
        *((level, False) for level in ("pg", "pg13", "na", "new", "1", "2", "", None)),
        *((level, True) for level in ("r", "X", "xxx", "4", "8", "16")),
    ],
)
def test_what_is_mature_is_known_in_both_spellings(level: str | None, mature: bool) -> None:
    assert maturity.is_mature(level) is mature


def test_a_level_is_within_those_that_are_not_below_it() -> None:
    for rank, limit in enumerate(maturity.LEVELS):
        within = [level for level in maturity.LEVELS if maturity.is_within(level, limit)]
        assert within == list(maturity.LEVELS[: rank + 1])


@pytest.mark.parametrize("level", [None, "na", "new", ""])
def test_what_has_no_level_is_within_none(level: str | None) -> None:
    assert not maturity.is_within(level, "xxx")
