import asyncio
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import connection, errors
from orchestration.connection import Call
from tests.orchestration import servers


@pytest.mark.parametrize(
    ("identifier", "escaped"),
    [
        ("wf_01", "wf_01"),
        ("a/b", "a%2Fb"),
        ("...", "..."),
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
    assert unquote(escaped) not in ("", ".", "..")
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


async def test_what_is_relayed_has_our_token_and_the_callers_headers_and_comes_back_unread() -> None:
    seen: list[str] = []
    answer = b"HTTP/1.1 418 Whatever\r\nX-A: b\r\nContent-Length: 3\r\n\r\n\x00\xffz"

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(answer)

    async with servers.serve_raw(respond) as url:
        link = connection.Connection(url, "SECRET", timeout=5)
        headers = {"content-type": "application/json-patch+json", "AUTHORIZATION": "Bearer theirs"}
        call = Call("patch", "PATCH", "/a", parameters={"tags": ["x", "y z"], "n": None}, body=b"[]", headers=headers)
        response = await link.relay(call)
        assert (response.status_code, response.headers["X-A"], await response.aread()) == (418, "b", b"\x00\xffz")
        await response.aclose()
        await link.aclose()
    (head,) = seen
    assert head.startswith("PATCH /a?tags=x&tags=y+z HTTP/1.1\r\n")
    assert "Bearer SECRET" in head
    assert "theirs" not in head
    assert head.lower().count("content-type: application/json-patch+json\r\n") == 1
    assert head.lower().count("content-type") == 1


async def test_every_call_says_who_asks() -> None:
    seen: list[str] = []

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with servers.serve_raw(respond) as url:
        link = connection.Connection(url, "t", timeout=5)
        await link.ask(Call("get", "GET", "/a"))
        await (await link.relay(Call("get", "GET", "/a"))).aclose()
        await link.aclose()
    assert ["User-Agent: civitai-archive\r\n" in head for head in seen] == [True, True]


async def test_a_redirect_is_relayed_and_not_followed() -> None:
    answer = b"HTTP/1.1 308 Elsewhere\r\nLocation: https://blobs.example/b?sig=1\r\nContent-Length: 0\r\n\r\n"
    async with servers.serve_bytes(answer) as url:
        link = connection.Connection(url, "SECRET", timeout=5)
        response = await link.relay(Call("get blob", "GET", "/b"))
        assert (response.status_code, response.headers["Location"]) == (308, "https://blobs.example/b?sig=1")
        await response.aclose()
        await link.aclose()


async def test_whoever_does_not_answer_a_relayed_call_is_unreachable() -> None:
    async with servers.serve_bytes(b"", then_hold=True) as url:
        link = connection.Connection(url, "SECRET", timeout=0.2)
        with pytest.raises(errors.Unreachable, match="no answer in time"):
            await link.relay(Call("get", "GET", "/b"))
        await link.aclose()
