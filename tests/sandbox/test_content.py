import hashlib

import pytest

from sandbox import content

FILE = content.Content("x/y", b"head", 2 * content.PIECE, b"tail")


def test_pieces_are_the_whole_file() -> None:
    whole = b"".join(FILE.pieces())
    assert len(whole) == FILE.size
    assert whole.startswith(b"head")
    assert whole.endswith(b"tail")
    assert FILE.sha256 == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize(("start", "end"), [(0, 4), (2, 9), (3, None), (300_000, 300_001), (FILE.size - 2, None)])
def test_any_span_is_that_part_of_the_file(start: int, end: int | None) -> None:
    assert b"".join(FILE.pieces(start, end)) == b"".join(FILE.pieces())[start:end]


def test_a_gigabyte_costs_no_memory() -> None:
    large = content.Content("x/y", b"", 1_000_000_000)
    assert len(next(large.pieces())) <= content.PIECE


def test_bytes_that_arrive_shifted_are_different() -> None:
    for shift in (1, 512, 4_096, 65_536, 1_000_000):
        assert content.filler(0, 64) != content.filler(shift, 64)
