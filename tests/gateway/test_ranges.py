import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import ranges


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("BYTES= 2-5 ", (2, 6)),
        ("bytes=2-99", (2, 10)),
        (None, None),
        ("", None),
        ("bytes", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=1-2,5-6", None),
        ("bytes=a-b", None),
        ("bytes=٢-٥", None),
        ("octets=1-2", None),
        (f"bytes={'9' * 99}-", None),
    ],
)
def test_one_range_is_understood_and_the_rest_is_the_whole(header: str | None, part: tuple[int, int] | None) -> None:
    assert ranges.parse(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=999999999-"])
def test_what_lies_behind_the_end_is_said_to(header: str) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.parse(header, 10)


@given(st.text(), st.integers(0, 1 << 50))
def test_a_part_always_lies_within(header: str, size: int) -> None:
    for candidate in (header, f"bytes={header}"):
        try:
            part = ranges.parse(candidate, size)
        except ranges.Unsatisfiable:
            continue
        assert part is None or 0 <= part[0] < part[1] <= size
