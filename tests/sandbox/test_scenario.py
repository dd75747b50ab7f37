import pytest

from sandbox import faults, scenario


def test_nothing_asked_for_is_a_quick_success() -> None:
    assert scenario.parse({}) == scenario.Scenario(seconds=0.2, outcome="succeeded")


def test_everything_can_be_asked_for() -> None:
    assert scenario.parse(
        {
            "seconds": 1, "outcome": "failed", "reason": "a", "blockedReason": "b", "size": 5, "availableAfter": 2,
            "withheld": "c", "placeholder": "redirect", "urlSeconds": 3, "urlUses": 4, "mature": True, "cached": "d",
            "faults": {"html": 1},
        }
    ) == scenario.Scenario(
        1.0, "failed", "a", "b", 5, 2.0, "c", "redirect", 3.0, 4, True, "d", {"html": faults.Fault()}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"mood": 1}, "has no mood"),
        ({"seconds": -1}, "seconds must be a number"),
        ({"seconds": True}, "seconds must be a number"),
        ({"outcome": "won"}, "outcome must be one of succeeded"),
        ({"size": 0.5}, "size must be a whole number"),
        ({"size": 0}, "size must be a whole number"),
        ({"reason": 1}, "reason must be text"),
        ({"placeholder": "x"}, "placeholder must be one of image"),
        ({"urlUses": 0}, "urlUses must be a whole number"),
        ({"mature": 1}, "mature must be true or false"),
        ({"faults": {"x": 1}}, "no fault 'x'"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(wishes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        scenario.parse(wishes)
