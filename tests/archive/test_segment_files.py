"""Segments as files: what is read back is what was written, and what nobody has written is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import segment_files

MOMENT = datetime(2026, 11, 22, 23, 59, 58, 123456, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]))
told = st.fixed_dictionaries(
    {
        "workflow_id": texts,
        "digest": st.binary(min_size=32, max_size=32),
        "source": texts,
        "parameters": st.dictionaries(texts, st.lists(texts)),
        "body": st.one_of(st.binary(), texts.map(str.encode)),
        "first_received_at": st.just(MOMENT),
        "last_received_at": st.just(MOMENT + timedelta(days=1)),
        "deliveries": st.integers(1, 1000),
    }
)


@given(st.lists(told), st.one_of(st.none(), texts))
def test_every_line_comes_back_as_it_was(rows: list[dict[str, object]], reason: str | None) -> None:
    if reason is not None:
        rows = [row | {"reason": reason} for row in rows]
    content = segment_files.write(rows)
    lines = content.splitlines()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        expected = {"reason": None} | {name: value for name, value in row.items() if name != "workflow_id"}
        assert vars(segment_files.read(line)) == expected


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"7", b"{}", b"\xff", b"[" * 100_000, b'{"digest": "zz", "source": "s"}']
)
def test_what_is_no_line_of_ours_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(segment_files.Unreadable, match="not a line of a segment"):
        segment_files.read(line)


def test_two_databases_never_choose_the_same_name() -> None:
    first, second = (segment_files.new_name("events", 0, 17, MOMENT) for _ in range(2))
    assert first.startswith("events/2026/11/22/235958-events-1-17-")
    assert first != second
