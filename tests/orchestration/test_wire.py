import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration import wire
from tests.orchestration import strategies


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 5000)
@example(b"\xff")
def test_loads_raises_nothing_but_value_errors(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        wire.loads(data)


@given(strategies.OBJECTS)
def test_what_json_can_say_is_read_as_it_was_said(document: wire.JsonObject) -> None:
    text = json.dumps(document)
    if "NaN" not in text and "Infinity" not in text:
        assert wire.loads(text.encode()) == json.loads(text)


def test_a_byte_order_mark_is_dropped() -> None:
    assert wire.loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_nul_and_lone_surrogates_pass_through() -> None:
    assert wire.loads(rb'"a\u0000\ud800"') == "a\x00\ud800"


def test_numbers_that_python_cannot_hold_are_kept_as_text() -> None:
    assert wire.loads(b"[1e400, -1e400, 1.5]") == ["1e400", "-1e400", 1.5]
    assert wire.loads(b"7" * 6000) == "7" * 6000


@pytest.mark.parametrize("data", [b"", b"NaN", b"[-Infinity]", b"{", b"'a'", b"\xed\xa0\x80", b"[" * 200_000])
def test_what_is_no_json_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it is (not JSON|not UTF-8|nested too deeply)"):
        wire.loads(data)


@pytest.mark.parametrize(
    "told",
    [
        "2026-01-21T22:21:26.1234567Z",
        "2026-01-21T22:21:26.1234567",
        "2026-01-21T22:21:26.123456+00:00",
        "2026-01-22T00:21:26.1234567+02:00",
    ],
)
def test_every_spelling_of_a_time_is_the_same_moment_in_utc(told: str) -> None:
    moment = wire.timestamp(told)
    assert moment == datetime(2026, 1, 21, 22, 21, 26, 123456, tzinfo=UTC)
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


@given(strategies.JSON)
@example("0001-01-01T00:00:00+10:00")
@example("9999-12-31T23:59:59-10:00")
def test_a_strange_time_is_none_or_aware(told: object) -> None:
    moment = wire.timestamp(told)
    assert moment is None or moment.tzinfo is UTC


@given(strategies.TEXTS)
def test_storable_text_is_what_postgresql_takes(text: str) -> None:
    stored = wire.storable(text)
    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert len(stored) == len(text)


@pytest.mark.parametrize("value", ["", "a\x00", "\ud800", "é" * 257, None, 7, ["a"]])
def test_what_cannot_be_an_identifier(value: object) -> None:
    assert not wire.is_identifier(value)


@pytest.mark.parametrize("value", ["wf_01", "../..", "a/b?c#d", "é" * 256, " ", "0-019be44b-181e"])
def test_any_other_text_can_be_an_identifier(value: object) -> None:
    assert wire.is_identifier(value)


@pytest.mark.parametrize(
    ("value", "label"), [("r", "r"), (4, "4"), (4.5, "4.5"), (True, None), ("", None), ([], None), (None, None)]
)
def test_a_label_may_come_as_a_number(value: object, label: str | None) -> None:
    assert wire.text(value) == label


@pytest.mark.parametrize("url", ["https://a.example/b.png?sig=1#x", "HTTP://127.0.0.1:8000/é", "https://[::1]/"])
def test_what_is_a_url(url: str) -> None:
    assert wire.is_url(url)


@pytest.mark.parametrize(
    "value", ["", "a", "//a/b", "ftp://a/b", "data:,", "https://", "https://[", "https://a:99999/", None, 5]
)
def test_what_is_no_url(value: object) -> None:
    assert not wire.is_url(value)


@pytest.mark.parametrize(
    "value", ["see https://a.example", " https://a", "https://a/\x00", "https://a/\ud800", "https://a/" + "b" * 9000]
)
def test_a_url_with_anything_around_it_is_none(value: str) -> None:
    assert not wire.is_url(value)


@given(strategies.OBJECTS)
def test_a_plain_text_is_read_as_any_reader_would(document: wire.JsonObject) -> None:
    text = json.dumps(document).encode()
    with contextlib.suppress(ValueError):
        plain = wire.loads_plain(text)
        assert json.loads(json.dumps(plain), parse_int=float) == json.loads(text, parse_int=float)


@pytest.mark.parametrize(
    "data",
    [
        rb'{"a": "\u0000"}',
        rb'{"a": "\ud800"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b'{"a": 1e400}',
        b'{"a": 1E-400}',
        b'{"a": 0e-20000}',
        b'{"a": 0e9999999999}',
        b'{"a": -0.0E+0009999999999}',
        b'{"a": 0.' + b"1" * 17_000 + b"}",
        b'{"a": ' + b"1" * 1000 + b"}",
        b"[" * 300 + b"]" * 300,
        b"[" * 100_000,
        b"{",
    ],
)
def test_what_readers_differ_about_is_not_plain(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        wire.loads_plain(data)
