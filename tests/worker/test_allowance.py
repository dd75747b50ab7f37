"""The allowance: a day's bytes a day, whatever the objects' sizes."""

from hypothesis import given
from hypothesis import strategies as st

from worker.allowance import RUNS_A_DAY, SAVED_AT_MOST, Allowance

SHARE = 1_000


@given(st.lists(st.integers(0, 50 * SHARE), min_size=1))
def test_no_more_is_spent_than_was_earned_but_for_the_last_object(sizes: list[int]) -> None:
    allowance, spent, runs = Allowance(SHARE * RUNS_A_DAY), 0, 0
    for size in sizes:
        while not allowance.earn():
            runs += 1
        runs += 1
        assert spent < runs * SHARE
        allowance.spend(size)
        spent += size


def test_a_pause_is_not_made_up_for_by_a_rush() -> None:
    allowance = Allowance(SHARE * RUNS_A_DAY)
    for _ in range(10 * SAVED_AT_MOST):
        allowance.earn()
    assert allowance.bytes == SAVED_AT_MOST * SHARE


def test_nothing_a_day_is_nothing() -> None:
    assert not Allowance(0).earn()
