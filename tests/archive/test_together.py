"""Doing together: each is told what came of its own, whatever becomes of the others."""

import asyncio
from collections.abc import Sequence

import pytest

from archive.together import Together


class Halving:
    """Work that fails whole when it is given an odd number, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append([*numbers])
        if any(number % 2 for number in numbers):
            raise ArithmeticError
        return [number // 2 if number else ZeroDivisionError() for number in numbers]


def together(work: Halving, *, at_once: int = 10, is_one_at_fault: bool = True) -> Together[int, int]:
    return Together(work, gathering=lambda: 0.01, at_once=at_once, is_one_at_fault=lambda _: is_one_at_fault)


async def test_what_comes_at_about_the_same_time_is_one_batch_and_no_larger_than_it_may_be() -> None:
    work = Halving()
    halve = together(work, at_once=3)
    assert await asyncio.gather(*map(halve, [2, 4, 6, 8])) == [1, 2, 3, 4]
    assert work.batches == [[2, 4, 6], [8]]


async def test_one_outcome_may_be_an_error() -> None:
    halve = together(Halving())
    told = await asyncio.gather(halve(2), halve(0), return_exceptions=True)
    assert (told[0], type(told[1])) == (1, ZeroDivisionError)


async def test_of_a_batch_that_fails_whole_only_the_one_at_fault_fails() -> None:
    work = Halving()
    halve = together(work)
    told = await asyncio.gather(halve(2), halve(3), halve(4), return_exceptions=True)
    assert (told[0], type(told[1]), told[2]) == (1, ArithmeticError, 2)
    assert work.batches == [[2, 3, 4], [2], [3], [4]]


async def test_a_trouble_that_concerns_all_is_told_to_all_at_once() -> None:
    work = Halving()
    halve = together(work, is_one_at_fault=False)
    told = await asyncio.gather(halve(2), halve(3), return_exceptions=True)
    assert [type(one) for one in told] == [ArithmeticError, ArithmeticError]
    assert work.batches == [[2, 3]]


async def test_what_was_cancelled_before_its_batch_is_left_out() -> None:
    work = Halving()
    halve = together(work)
    first, second = asyncio.create_task(halve(2)), asyncio.create_task(halve(4))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 2
    assert work.batches == [[4]]
    with pytest.raises(asyncio.CancelledError):
        await first
