"""Blobs through the gateway: addresses that die, what may be shown to whom, and who gives what the archive has not."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from archive import settings
from gateway import signing
from gateway.sources import HEADER
from tests.gateway.conftest import QUICK, Archive, blob_of, forget, kept_blob, without_addresses
from tests.worker import rows

BLOBS = "/v2/consumer/blobs"


async def test_a_signed_address_works_without_a_key_until_it_expires(
    archive: Archive, client: httpx.AsyncClient, config: settings.Settings, gateway: str
) -> None:
    blob, content = await kept_blob(archive, client)
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
    blob, content = await kept_blob(archive, client)
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
    blob, _ = await kept_blob(archive, client, metadata={"sandbox": {"seconds": 0, "mature": True}})
    answer = await client.head(f"{BLOBS}/{blob['id']}")
    assert (answer.status_code, answer.headers["X-Nsfw-Level"], answer.content) == (204, "x", b"")
    assert (await client.head(f"{BLOBS}/nobody", headers={HEADER: "archive"})).status_code == 404


async def test_a_level_may_be_the_highest_that_is_wanted(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, content = await kept_blob(archive, client, metadata={"sandbox": {"seconds": 0, "mature": True}})
    for level, status in (("pg", 403), ("r", 403), ("x", 200), ("XXX", 200), ("na", 400), ("", 400)):
        answer = await client.get(f"{BLOBS}/{blob['id']}", params={"nsfwLevel": level})
        assert answer.status_code == status, level
    await rows.execute(archive.engine, "UPDATE results SET nsfw_level = NULL")
    assert (await client.get(f"{BLOBS}/{blob['id']}", params={"nsfwLevel": "xxx"})).status_code == 403
    assert (await client.get(f"{BLOBS}/{blob['id']}")).content == content


async def test_a_blob_may_be_asked_for_within_a_workflow(archive: Archive, client: httpx.AsyncClient) -> None:
    blob, _ = await kept_blob(archive, client)
    (workflow,) = await rows.select(archive.engine, "SELECT id FROM workflows")
    for workflow_id, status in ((workflow["id"], 200), ("another", 404)):
        query = {"workflowId": workflow_id}
        answer = await client.get(f"{BLOBS}/{blob['id']}", params=query, headers={HEADER: "archive"})
        assert answer.status_code == status


async def test_an_object_that_is_lost_or_cut_is_civitais_again(
    archive: Archive, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    blob, _ = await kept_blob(archive, client)
    for path in await asyncio.to_thread(lambda: list((tmp_path / "storage").glob("objects/*/*/*/*"))):
        path.chmod(0o600)
        path.write_bytes(b"cut")
    for url in (f"{BLOBS}/{blob['id']}", blob["url"]):
        assert (await client.get(url)).status_code == 308
        assert (await client.get(url, headers={HEADER: "archive"})).status_code == 404


async def test_while_storage_is_away_civitai_gives_what_it_has_still(
    archive: Archive, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    blob, content = await kept_blob(archive, client)
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
    blob, _ = await kept_blob(archive, client)
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
