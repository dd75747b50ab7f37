import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import connection, errors


@pytest.mark.parametrize(
    ("identifier", "escaped"),
    [
        ("wf_01", "wf_01"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2F", "%252F"),
        ("b.jpeg", "b.jpeg"),
        ("é'\"", "%C3%A9%27%22"),
    ],
)
def test_an_id_is_one_segment_of_a_path(identifier: str, escaped: str) -> None:
    assert connection.segment(identifier) == escaped


@given(st.text(st.characters()))
def test_no_id_leaves_its_segment(identifier: str) -> None:
    try:
        escaped = connection.segment(identifier)
    except errors.Permanent:
        return
    assert escaped.isascii()
    assert escaped not in ("", ".", "..")
    assert not set(escaped) & set("/?#\\ ")


@pytest.mark.parametrize(
    "url", ["", "civitai.com", "ftp://a", "https://", "https://a?b=1", "https://me:pw@a", "http://["]
)
def test_an_address_that_is_none_is_refused_without_showing_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of an API") as refusal:
        connection.Connection(url, "t", timeout=1)
    assert "pw" not in str(refusal.value)


@pytest.mark.parametrize("token", ["", " ", "a\nb", "tökén"])
def test_a_token_that_is_none_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ValueError, match="the API token is empty or holds characters"):
        connection.Connection("https://a.example", token, timeout=1)


async def test_a_token_is_never_shown() -> None:
    link = connection.Connection("https://a.example/", "SECRET", timeout=1)
    assert repr(link) == "Connection('https://a.example', token=***)"
    await link.aclose()
