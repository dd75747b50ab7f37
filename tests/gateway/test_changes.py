"""Changes through the gateway: they are Civitai's, and the archive learns of them."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.sources import HEADER
from tests import working
from tests.gateway.conftest import Archive
from tests.worker import rows

WORKFLOWS = "/v2/consumer/workflows"


async def test_a_change_is_seen_at_once_and_kept_soon(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived(tags=["a"])
    url = f"{WORKFLOWS}/{known['id']}"
    patch = [{"op": "add", "path": "/metadata/b", "value": 1}]
    step = {"metadata": {"c": 2}}
    as_patch = {"Content-Type": "application/json-patch+json"}
    for answer in (
        await client.post(f"{url}/tags", json="b/c"),
        await client.request("DELETE", f"{url}/tags/a"),
        await client.patch(url, json=patch, headers=as_patch),
        await client.put(f"{url}/steps/cats", json=step),
    ):
        assert (answer.status_code, answer.content, answer.headers[HEADER]) == (204, b"", "live")
    seen = await client.get(url)
    assert seen.headers[HEADER] == "live"
    assert (seen.json()["tags"], seen.json()["metadata"]["b"]) == (["b/c"], 1)
    assert seen.json()["steps"][0]["metadata"] == {"c": 2}
    async with archive.worker():

        async def it_is_current() -> bool:
            return (await client.get(url)).headers[HEADER] == "archive"

        await working.eventually(it_is_current, what="the archive's turn")
    assert (await client.get(url)).json()["tags"] == ["b/c"]
    assert (await client.request("DELETE", f"{url}/tags/b%2Fc")).status_code == 204
    assert (await client.get(url)).json()["tags"] == []


async def test_what_is_deleted_at_civitai_is_the_archives(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    url = f"{WORKFLOWS}/{known['id']}"
    assert (await client.delete(url)).status_code == 204
    assert (await client.get(url, headers={HEADER: "live"})).status_code == 404
    answer = await client.get(url)
    assert (answer.status_code, answer.headers[HEADER]) == (200, "archive")
    assert (await client.delete(url)).status_code == 404


async def test_who_works_at_a_workflow_that_was_changed_is_overtaken(
    archive: Archive, engine: AsyncEngine, client: httpx.AsyncClient
) -> None:
    (known,) = await archive.archived()
    await rows.execute(engine, "UPDATE workflows SET due_at = now(), leased_until = now() + interval '15 s'")
    (before,) = await rows.select(engine, "SELECT attempts FROM workflows")
    await client.post(f"{WORKFLOWS}/{known['id']}/tags", json="b")
    (after,) = await rows.select(engine, "SELECT attempts, leased_until FROM workflows")
    assert (after["attempts"], after["leased_until"]) == (before["attempts"] + 1, None)


@pytest.mark.parametrize("escaped", ["%2e", "%2E%2e"])
async def test_no_tag_or_step_is_the_workflow_itself(archive: Archive, client: httpx.AsyncClient, escaped: str) -> None:
    (known,) = await archive.archived()
    archive.sandbox.state.requests.clear()
    for method, below in (("DELETE", "tags"), ("PUT", "steps")):
        request = client.build_request(method, "/x", json={})
        request.url = request.url.copy_with(raw_path=f"{WORKFLOWS}/{known['id']}/{below}/{escaped}".encode())
        assert (await client.send(request)).status_code == 404
    assert not archive.sandbox.state.requests


async def test_a_change_that_civitai_refuses_changes_nothing(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    for method, body in (("PUT", b"{"), ("PATCH", b"{}"), ("PATCH", b"[1]"), ("PUT", b"[]")):
        answer = await client.request(method, f"{WORKFLOWS}/{known['id']}", content=body)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert (await client.get(f"{WORKFLOWS}/{known['id']}")).headers[HEADER] == "archive"
