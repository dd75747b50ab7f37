"""The live side when Civitai, or somebody before it, misbehaves."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from archive import settings
from gateway import forwarding
from gateway.app import create_app
from gateway.sources import HEADER
from tests import serving
from tests.conftest import SECRET
from tests.orchestration import servers

URL = "/v2/consumer/workflows/nobody"


@asynccontextmanager
async def before(environment: dict[str, str], key: str, *, answer: bytes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway behind which everything is answered with these bytes."""
    async with servers.serve_bytes(answer) as civitai:
        config = settings.read(environment | {"CIVITAI_API_URL": civitai})
        async with (
            serving.app(create_app(config)) as url,
            httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client,
        ):
            yield client


def said(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers))
    return f"{head}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (said("503 Whatever", b"<html>hush</html>", "Content-Type: text/html"), 503, "Civitai answered 503."),
        (said("400 Bad", b'"tags: too many"', "Content-Type: application/json"), 400, "tags: too many"),
        (said("403 No", b"Not yours.", "Content-Type: text/plain"), 403, "Not yours."),
        (said("520 ", b"<html>", "Content-Type: text/html"), 520, "Civitai answered 520."),
        (said("404 No", f"who is {SECRET}?".encode(), "Content-Type: text/plain"), 404, r"who is \*\*\*\?"),
        (said("401 No", b"", "WWW-Authenticate: Bearer"), 502, "Civitai refuses this gateway's token: .*"),
        (said("200 OK", b"{", "Content-Length: 9"), 502, "Civitai does not answer, .*"),
        (said("600 Odd", b"{}", "Content-Type: application/json"), 502, "Civitai, or .*, answered 600, which is no .*"),
        (said("999 Odd"), 502, "Civitai, or somebody before it, answered 999, which is no answer in HTTP."),
        (said("101 Switching", b"", "Upgrade: x", "Connection: Upgrade"), 502, "Civitai.*"),
        (said("099 Odd"), 502, "Civitai.*"),
        (said("000 Odd"), 502, "Civitai.*"),
        (
            said("200 OK", b"{}", "Content-Type: application/json", "Content-Encoding: br"),
            502,
            "Civitai does not answer, .*",
        ),
        (b"no HTTP at all\r\n\r\n", 502, "Civitai does not answer, .*"),
        (b"", 502, "Civitai does not answer, .*"),
    ],
)
async def test_whatever_goes_wrong_there_is_a_problem_here(
    environment: dict[str, str], key: str, answer: bytes, status: int, detail: str
) -> None:
    async with before(environment, key, answer=answer) as client:
        told = await client.get(URL)
    assert (told.status_code, told.headers["Content-Type"]) == (status, "application/problem+json")
    assert told.json()["status"] == status
    assert re.fullmatch(detail, told.json()["detail"])


async def test_of_the_head_only_what_concerns_a_client_comes_down(environment: dict[str, str], key: str) -> None:
    answer = said(
        "429 Slow down", b"{}", "Retry-After: 7", "Set-Cookie: a=b", "X-Powered-By: x", "Access-Control-Allow-Origin: *"
    )
    async with before(environment, key, answer=answer) as client:
        told = await client.get(URL)
    assert (told.status_code, told.headers["Retry-After"], told.headers[HEADER]) == (429, "7", "live")
    for name in ("Set-Cookie", "X-Powered-By", "Access-Control-Allow-Origin"):
        assert name not in told.headers


async def test_a_redirect_is_passed_on_and_not_followed(environment: dict[str, str], key: str) -> None:
    answer = said("308 Elsewhere", b"", "Location: http://169.254.169.254/latest?sig=1")
    async with before(environment, key, answer=answer) as client:
        told = await client.get("/v2/consumer/blobs/b")
    assert (told.status_code, told.headers["Location"]) == (308, "http://169.254.169.254/latest?sig=1")


async def test_content_that_civitai_gives_itself_is_passed_on_as_it_comes(
    environment: dict[str, str], key: str
) -> None:
    content = bytes(range(256)) * 5000
    answer = said("200 OK", content, "Content-Type: image/png", 'ETag: "e"')
    async with before(environment, key, answer=answer) as client:
        told = await client.get("/v2/consumer/blobs/b")
    assert (told.status_code, told.content, told.headers["ETag"]) == (200, content, '"e"')
    assert told.headers["Content-Length"] == str(len(content))


async def test_content_that_comes_encoded_is_said_to_be(environment: dict[str, str], key: str) -> None:
    content = gzip.compress(b"<svg/>" * 100)
    answer = said("200 OK", content, "Content-Type: image/svg+xml", "Content-Encoding: gzip")
    async with before(environment, key, answer=answer) as client, client.stream("GET", "/v2/consumer/blobs/b") as told:
        raw = b"".join([chunk async for chunk in told.aiter_raw()])
    assert (told.headers["Content-Encoding"], raw) == ("gzip", content)


async def test_a_document_that_comes_encoded_is_decoded(environment: dict[str, str], key: str) -> None:
    answer = said("200 OK", gzip.compress(b'{"id":"w"}'), "Content-Type: application/json", "Content-Encoding: gzip")
    async with before(environment, key, answer=answer) as client:
        told = await client.get(URL)
    assert (told.json(), told.headers.get("Content-Encoding")) == ({"id": "w"}, None)


async def test_a_name_in_any_letters_comes_down(environment: dict[str, str], key: str) -> None:
    disposition = 'inline; filename="日本.png"'
    answer = said("200 OK", b"png", "Content-Type: image/png", f"Content-Disposition: {disposition}")
    async with before(environment, key, answer=answer) as client:
        told = await client.get("/v2/consumer/blobs/b")
    assert (told.status_code, told.headers["Content-Disposition"]) == (200, disposition)


async def test_what_has_nothing_to_hide_comes_byte_for_byte(environment: dict[str, str], key: str) -> None:
    body = b'{"id":"w", "status" : "succeeded","cost":1.10,"n":1e2,"callbacks":[]}'
    async with before(environment, key, answer=said("200 OK", body, "Content-Type: application/json")) as client:
        assert (await client.get(URL)).content == body


async def test_a_query_too_long_to_be_passed_on_is_said_to_be(environment: dict[str, str], key: str) -> None:
    async with before(environment, key, answer=said("200 OK")) as client:
        # Each of them is escaped on its way up.
        told = await client.get(f"/v2/consumer/workflows?query={'/' * 30_000}", headers={HEADER: "live"})
    assert (told.status_code, told.headers["Content-Type"]) == (414, "application/problem+json")


async def test_an_answer_without_end_is_none(
    environment: dict[str, str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "ANSWER_BYTES_AT_MOST", 1000)
    async with before(environment, key, answer=said("200 OK", b" " * 2000, "Content-Type: application/json")) as client:
        assert (await client.get(URL)).status_code == 502


async def test_a_read_that_is_not_answered_in_time_ends(
    environment: dict[str, str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "READ_SECONDS", 0.2)
    release = asyncio.Event()

    async def respond(_: str, __: asyncio.StreamWriter) -> None:
        await release.wait()

    async with servers.serve_raw(respond) as civitai:
        config = settings.read(environment | {"CIVITAI_API_URL": civitai})
        async with (
            serving.app(create_app(config)) as url,
            httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client,
        ):
            assert (await client.get(URL)).status_code == 502
        release.set()
