"""Stored contents over HTTP: in any part, under harmless headers, or left to nginx."""

import hashlib

import httpx

from archive import settings
from gateway.app import create_app
from gateway.blobs import BLOBS
from tests import serving
from tests.gateway.conftest import Archive, kept_blob
from tests.worker import rows


async def test_a_content_is_sent_whole_in_part_or_not_at_all(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept_blob(archive, client)
    url, size, etag = f"{BLOBS}/{blob['id']}", len(content), f'"{hashlib.sha256(content).hexdigest()}"'
    whole = await client.get(url)
    assert (whole.status_code, whole.content, whole.headers["ETag"]) == (200, content, etag)
    assert whole.headers["Content-Type"] == "image/jpeg"
    assert whole.headers["Content-Length"] == str(size)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    for wanted, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size + 9}", 0, size),
        (f"bytes=3-{size * 9}", 3, size),
    ):
        for condition in ({}, {"If-Range": etag}):
            part = await client.get(url, headers={"Range": wanted, **condition})
            assert (part.status_code, part.content) == (206, content[start:end]), wanted
            assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    for headers in (
        {"Range": "bytes=5-9", "If-Range": '"another"'},
        {"Range": "bytes=5-9", "If-Range": f"W/{etag}"},
        {"Range": "bytes=1-2,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=9-5"},
        {"Range": "bytes=-"},
        {"If-None-Match": '"another"'},
    ):
        answer = await client.get(url, headers=headers)
        assert (answer.status_code, answer.content) == (200, content), headers
    for wanted in (f"bytes={size}-", "bytes=-0", f"bytes={size}-{size + 5}"):
        refused = await client.get(url, headers={"Range": wanted})
        assert (refused.status_code, refused.headers["Content-Range"]) == (416, f"bytes */{size}")
    for tag in (etag, f"W/{etag}", f'"another", {etag}', "*"):
        same = await client.get(url, headers={"If-None-Match": tag})
        assert (same.status_code, same.content) == (304, b"")


async def test_a_level_that_no_header_can_hold_is_not_told(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept_blob(archive, client)
    await rows.execute(archive.engine, "UPDATE results SET nsfw_level = E'x\\nSet-Cookie: a=b'")
    answer = await client.get(f"{BLOBS}/{blob['id']}")
    assert (answer.status_code, answer.content) == (200, content)
    assert "X-Nsfw-Level" not in answer.headers


async def test_a_name_to_save_it_under_is_made_harmless(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, _ = await kept_blob(archive, client)
    for query, said in (
        ({"filename": "cat.png"}, 'inline; filename="cat.png"'),
        ({"filename": "cat.png", "download": "true"}, 'attachment; filename="cat.png"'),
        ({"filename": "../../etc/cat.png"}, 'inline; filename="cat.png"'),
        ({"filename": "..\\cat.png"}, 'inline; filename="cat.png"'),
        ({"filename": "Kätzchen.png"}, "inline; filename=\"K_tzchen.png\"; filename*=UTF-8''K%C3%A4tzchen.png"),
        ({"filename": 'a"b\r\nSet-Cookie: c'}, None),
        ({"filename": "\u202egnp.exe"}, None),
        ({"filename": "a" * 5000}, None),
        ({"filename": ".."}, None),
        ({"download": "true"}, None),
    ):
        answer = await client.get(f"{BLOBS}/{blob['id']}", params=query)
        disposition = answer.headers["Content-Disposition"]
        assert said is None or disposition == said
        assert disposition.isascii()
        assert disposition.isprintable()
        assert len(disposition) < 1000
        assert "/" not in disposition
        assert "Set-Cookie" not in answer.headers


async def test_nginx_is_told_where_to_find_it(
    archive: Archive, client: httpx.AsyncClient, environment: dict[str, str]
) -> None:
    blob, content = await kept_blob(archive, client)
    behind_nginx = settings.read(
        environment | {"GATEWAY_ACCEL_REDIRECT": "/stored/", "GATEWAY_URL": "https://g.example"}
    )
    async with serving.app(create_app(behind_nginx)) as url:
        answer = await client.get(f"{url}{BLOBS}/{blob['id']}")
        digest = hashlib.sha256(content).hexdigest()
        where = f"/stored/objects/sha256/{digest[:2]}/{digest[2:4]}/{digest}"
        assert (answer.status_code, answer.content, answer.headers["X-Accel-Redirect"]) == (200, b"", where)
        refreshed = await client.post(f"{url}{BLOBS}/{blob['id']}/refresh")
        assert refreshed.json()["url"].startswith("https://g.example/v2/consumer/blobs/")
