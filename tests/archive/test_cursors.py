import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import cursors
from archive.cursors import Cursor

IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.datetimes(timezones=st.just(UTC)), IDS)
def test_a_cursor_comes_back_as_it_was_given(created_at: datetime, workflow_id: str) -> None:
    text = str(Cursor(created_at, workflow_id))
    assert cursors.is_ours(text)
    assert cursors.parse(text) == Cursor(created_at, workflow_id)


def coded(value: object) -> str:
    return cursors.PREFIX + base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    ["", "archive.", "archive.%", "archive.bm9uZQ", "archive.é", coded([]), coded({"a": 1, "b": 2}), coded("ab")]
    + [coded(["2026-01-01", "a"]), coded([1, 2]), coded(["2026-01-01T00:00:00+00:00", 2])]
    + [coded(["2026-01-01T00:00:00+00:00", text]) for text in ("\0", "\ud800")]
    + [coded([text, "a"]) for text in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")]
    + [str(Cursor(datetime(2026, 1, 1, tzinfo=UTC), "a")).removeprefix(cursors.PREFIX)]
    + [coded(["x" * 9999, "a"]), coded([[]] * 2)],
)
def test_what_we_did_not_give_is_no_cursor(text: str) -> None:
    with pytest.raises(cursors.BadCursor):
        cursors.parse(text)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    for candidate in (text, cursors.PREFIX + text):
        try:
            cursors.parse(candidate)
        except cursors.BadCursor:
            continue
        assert candidate.startswith(cursors.PREFIX)


def test_a_cursor_is_exact_to_the_microsecond() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
    assert cursors.parse(str(Cursor(moment, "a"))).created_at == moment
