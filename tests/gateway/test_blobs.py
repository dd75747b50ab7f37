"""Blobs through the gateway: bytes from storage in any part, addresses that die, and what may be shown to whom."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from archive import settings
from gateway import signing
from gateway.app import create_app
from gateway.sources import HEADER
from orchestration.wire import JsonObject
from tests import serving
from tests.gateway.conftest import QUICK, Archive, blob_of, forget, without_addresses
from tests.worker import rows

BLOBS = "/v2/consumer/blobs"


async def kept(archive: Archive, client: httpx.AsyncClient, **facts: Any) -> tuple[JsonObject, bytes]:
    """A blob that is archived, as the archive tells it, and its bytes at Civitai."""
    (document,) = await archive.archived(**facts)
    answer = await client.get(f"/v2/consumer/workflows/{document['id']}", headers={HEADER: "archive"})
    blob = blob_of(answer.json())
    async with httpx.AsyncClient() as http:
        return blob, (await http.get(blob_of(document)["url"])).raise_for_status().content


async def test_a_content_is_sent_whole_in_part_or_not_at_all(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept(archive, client)
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


async def test_a_signed_address_works_without_a_key_until_it_expires(
    archive: Archive, client: httpx.AsyncClient, config: settings.Settings, gateway: str
) -> None:
    blob, content = await kept(archive, client)
    parts = urlsplit(blob["url"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    until = datetime.fromisoformat(query["exp"])
    assert timedelta(minutes=50) < until - datetime.now(UTC) <= signing.LIFETIME
    assert blob["urlExpiresAt"] == query["exp"]
    path = parts.path
    past = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    later = f"{until + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    signer = signing.open_signer(config)
    async with httpx.AsyncClient(base_url=gateway) as stranger:
        good = await stranger.get(blob["url"])
        assert (good.status_code, good.content) == (200, content)
        head = await stranger.head(blob["url"])
        assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(content)), b"")
        assert (await stranger.get(blob["url"], headers={"Range": "bytes=1-3"})).content == content[1:4]
        for wrong in (
            {"sig": query["sig"], "exp": later},
            {"sig": signer.sign(blob["id"], past), "exp": past},
            {"sig": signer.sign("another", query["exp"]), "exp": query["exp"]},
            {"sig": query["sig"]},
            {"sig": "", "exp": query["exp"]},
            {"sig": query["sig"], "exp": "soon"},
            {"sig": signer.sign(blob["id"], "soon"), "exp": "soon"},
            {"sig": "ü" * 64, "exp": query["exp"]},
        ):
            refused = await stranger.get(path, params=wrong)
            assert (refused.status_code, refused.json()["title"]) == (403, "Forbidden"), wrong
        assert (await stranger.get(path)).status_code == 401
        assert (await stranger.post(f"{path}/refresh", params=query)).status_code == 401


async def test_a_refresh_gives_the_blob_as_it_was_with_an_address_that_works(
    archive: Archive, client: httpx.AsyncClient
) -> None:
    blob, content = await kept(archive, client)
    for source in ("archive", "live"):
        answer = await client.post(f"{BLOBS}/{blob['id']}/refresh", headers={HEADER: source})
        assert (answer.status_code, answer.headers[HEADER]) == (200, source)
        assert without_addresses(answer.json()) == without_addresses(blob)
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(answer.json()["url"])).content == content


async def test_what_the_archive_does_not_have_is_civitais(archive: Archive, client: httpx.AsyncClient) -> None:
    fresh = blob_of(await archive.submit())
    url = f"{BLOBS}/{fresh['id']}"
    answer = await client.get(url)
    assert (answer.status_code, answer.headers[HEADER]) == (308, "live")
    assert answer.headers["Location"].startswith(archive.sandbox.blob_url)
    assert (await client.head(url)).status_code == 204
    assert (await client.post(f"{url}/refresh")).json()["id"] == fresh["id"]
    for method, path in (("GET", "nobody"), ("HEAD", "nobody"), ("POST", "nobody/refresh")):
        assert (await client.request(method, f"{BLOBS}/{path}")).status_code == 404


async def test_head_tells_whether_it_is_there_and_its_level(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, _ = await kept(archive, client, metadata={"sandbox": {"seconds": 0, "mature": True}})
    answer = await client.head(f"{BLOBS}/{blob['id']}")
    assert (answer.status_code, answer.headers["X-Nsfw-Level"], answer.content) == (204, "x", b"")
    assert (await client.head(f"{BLOBS}/nobody", headers={HEADER: "archive"})).status_code == 404


async def test_a_level_that_no_header_can_hold_is_not_told(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept(archive, client)
    await rows.execute(archive.engine, "UPDATE results SET nsfw_level = E'x\\nSet-Cookie: a=b'")
    answer = await client.get(f"{BLOBS}/{blob['id']}")
    assert (answer.status_code, answer.content) == (200, content)
    assert "X-Nsfw-Level" not in answer.headers


async def test_a_level_may_be_the_highest_that_is_wanted(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept(archive, client, metadata={"sandbox": {"seconds": 0, "mature": True}})
    for level, status in (("pg", 403), ("r", 403), ("x", 200), ("XXX", 200), ("na", 400), ("", 400)):
        answer = await client.get(f"{BLOBS}/{blob['id']}", params={"nsfwLevel": level})
        assert answer.status_code == status, level
    await rows.execute(archive.engine, "UPDATE results SET nsfw_level = NULL")
    assert (await client.get(f"{BLOBS}/{blob['id']}", params={"nsfwLevel": "xxx"})).status_code == 403
    assert (await client.get(f"{BLOBS}/{blob['id']}")).content == content


async def test_a_blob_may_be_asked_for_within_a_workflow(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, _ = await kept(archive, client)
    (workflow,) = await rows.select(archive.engine, "SELECT id FROM workflows")
    for workflow_id, status in ((workflow["id"], 200), ("another", 404)):
        query = {"workflowId": workflow_id}
        answer = await client.get(f"{BLOBS}/{blob['id']}", params=query, headers={HEADER: "archive"})
        assert answer.status_code == status


async def test_a_name_to_save_it_under_is_made_harmless(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, _ = await kept(archive, client)
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
    blob, content = await kept(archive, client)
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


async def test_an_object_that_is_lost_or_cut_is_civitais_again(
    archive: Archive, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    blob, _ = await kept(archive, client)
    for path in await asyncio.to_thread(lambda: list((tmp_path / "storage").glob("objects/*/*/*/*"))):
        path.chmod(0o600)
        path.write_bytes(b"cut")
    for url in (f"{BLOBS}/{blob['id']}", blob["url"]):
        assert (await client.get(url)).status_code == 308
        assert (await client.get(url, headers={HEADER: "archive"})).status_code == 404


async def test_while_storage_is_away_civitai_gives_what_it_has_still(
    archive: Archive, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    blob, content = await kept(archive, client)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    async with httpx.AsyncClient() as stranger:
        for someone, url in ((stranger, blob["url"]), (client, f"{BLOBS}/{blob['id']}")):
            answer = await someone.get(url)
            assert (answer.status_code, answer.headers[HEADER]) == (308, "live")
            assert answer.headers["Location"].startswith(archive.sandbox.blob_url)
            assert (await stranger.get(answer.headers["Location"])).content == content
        assert (await stranger.get(f"{client.base_url}{BLOBS}/{blob['id']}")).status_code == 401
    assert (await client.head(f"{BLOBS}/{blob['id']}")).status_code == 204
    assert (await client.post(f"{BLOBS}/{blob['id']}/refresh")).headers[HEADER] == "live"


async def test_storage_that_went_away_is_no_404(archive: Archive, client: httpx.AsyncClient, tmp_path: Path) -> None:
    blob, _ = await kept(archive, client)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    await forget(archive.sandbox)
    for url in (blob["url"], f"{BLOBS}/{blob['id']}"):
        for headers in ({}, {HEADER: "archive"}):
            answer = await client.get(url, headers=headers)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


async def test_content_without_an_id_has_an_address_too(archive: Archive, client: httpx.AsyncClient) -> None:
    (document,) = await archive.archived(
        steps=[{"$type": "textToImage", "name": "cats", "input": {"prompt": "two cats", "quantity": 2}}], metadata=QUICK
    )
    await rows.execute(archive.engine, "UPDATE results SET blob_id = NULL")
    answer = await client.get(f"/v2/consumer/workflows/{document['id']}", headers={HEADER: "archive"})
    url = blob_of(answer.json())["url"]
    name = urlsplit(url).path.rpartition("/")[2]
    assert name.startswith("sha256-")
    async with httpx.AsyncClient() as stranger:
        content = (await stranger.get(url)).raise_for_status().content
        assert hashlib.sha256(content).hexdigest() == name.removeprefix("sha256-")
    refreshed = (await client.post(f"{BLOBS}/{quote(name)}/refresh")).json()
    assert (refreshed["id"], refreshed["available"]) == (name, True)


async def test_a_placeholder_is_civitais(archive: Archive, client: httpx.AsyncClient) -> None:
    document = await archive.submit(metadata={"sandbox": {"seconds": 0, "withheld": "minor"}})
    token = blob_of(document)["url"].rpartition("/")[2]
    answer = await client.get(f"{BLOBS}/blocked/{token}")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")
    assert (await client.get(f"{BLOBS}/blocked/nobody")).status_code == 404
