import pytest

from orchestration import statuses


@pytest.mark.parametrize("status", ["succeeded", "failed", "expired", "canceled", "Succeeded"])
def test_the_four_ends_are_terminal_in_any_letter_case(status: str) -> None:
    assert statuses.is_terminal(status)


@pytest.mark.parametrize("status", ["processing", "unassigned", "deleted", "pending", "reticulating", "", None])
def test_everything_else_is_not_terminal(status: str | None) -> None:
    assert not statuses.is_terminal(status)
