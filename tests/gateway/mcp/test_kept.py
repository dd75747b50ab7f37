"""The archive's own tools."""

import base64
import hashlib

import httpx
from mcp_types import ImageContent, ResourceLink

from gateway.mcp import kept
from tests.gateway.conftest import QUICK, STEP, Archive, blob_of
from tests.gateway.mcp.assistants import assistant, refused, use
from tests.worker import rows


async def test_results_are_found_page_by_page(archive: Archive, gateway: str, key: str) -> None:
    (workflow,) = await archive.archived(tags=["a"])
    blobs = [blob["id"] for blob in workflow["steps"][0]["output"]["images"]]
    async with assistant(gateway, key) as client:
        wishes = {"text": "TWO cats", "tags": ["a"], "kind": "image", "state": "stored", "stepType": "textToImage"}
        page = await use(client, "archive-search-results", **wishes)
        assert [result["blobId"] for result in page["results"]] == blobs
        assert page["results"][0]["workflowId"] == workflow["id"]
        first = await use(client, "archive-search-results", workflowId=workflow["id"], take=1)
        second = await use(client, "archive-search-results", workflowId=workflow["id"], cursor=first["next"])
        assert [one["blobId"] for page in (first, second) for one in page["results"]] == blobs
        assert (await use(client, "archive-search-results", fromDate="2100-01-01T00:00:00Z"))["results"] == []
        assert (await use(client, "archive-search-results", text="\0"))["results"] == []
        assert "is no date" in await refused(client, "archive-search-results", fromDate="yesterday")
        assert "cursor" in await refused(client, "archive-search-results", cursor="archive.x")
        assert "'lost' is not one of" in await refused(client, "archive-search-results", state="lost")


async def test_a_small_image_is_shown_and_has_a_link(archive: Archive, gateway: str, key: str) -> None:
    (workflow,) = await archive.archived()
    blob_id = blob_of(workflow)["id"]
    digest = archive.sandbox.state.blobs[blob_id].file.sha256
    async with assistant(gateway, key) as client:
        result = await client.call_tool("archive-get-result", {"blobId": blob_id})
        image, link, _ = result.content
        assert isinstance(image, ImageContent)
        assert hashlib.sha256(base64.b64decode(image.data)).hexdigest() == digest
        assert isinstance(link, ResourceLink)
        assert (result.structured_content["url"], link.uri.startswith(gateway)) == (link.uri, True)
        async with httpx.AsyncClient() as stranger:
            content = (await stranger.get(link.uri)).raise_for_status().content
        assert hashlib.sha256(content).hexdigest() == digest


async def test_what_is_large_or_no_image_comes_as_a_link(archive: Archive, gateway: str, key: str) -> None:
    step = {"$type": "textToImage", "name": "large", "input": {"prompt": "noise", "width": 1024, "height": 1024}}
    step["metadata"] = {"sandbox": {"seconds": 0, "size": kept.INLINE_BYTES_AT_MOST + 1}}
    (workflow,) = await archive.archived(steps=[step])
    blob_id = blob_of(workflow)["id"]
    assert archive.sandbox.state.blobs[blob_id].file.size > kept.INLINE_BYTES_AT_MOST
    async with assistant(gateway, key) as client:
        result = await client.call_tool("archive-get-result", {"blobId": blob_id})
        assert [content.type for content in result.content] == ["resource_link", "text"]
        assert "no such blob" in await refused(client, "archive-get-result", blobId="nobody")


async def test_what_is_not_archived_yet_has_civitais_own_link(archive: Archive, gateway: str, key: str) -> None:
    blob_id = blob_of(await archive.submit())["id"]
    async with assistant(gateway, key) as client:
        result = await client.call_tool("archive-get-result", {"blobId": blob_id})
        assert [content.type for content in result.content] == ["resource_link", "text"]
        assert (result.meta or {})["civitai-archive/source"] == "live"


async def test_a_timeline_tells_what_was_told_and_done(archive: Archive, gateway: str, key: str) -> None:
    (workflow,) = await archive.archived()
    async with assistant(gateway, key) as client:
        story = await use(client, "archive-timeline", workflowId=workflow["id"])
        assert {"heard", "fetched", "stored", "archived"} <= {moment["what"] for moment in story["moments"]}
        assert "told nothing" in await refused(client, "archive-timeline", workflowId="nobody")


async def test_the_status_counts(archive: Archive, gateway: str, key: str) -> None:
    await archive.archived()
    async with assistant(gateway, key) as client:
        report = await use(client, "archive-status")
    assert (report["workflows"]["archived"], report["workflows"]["due"], report["pauses"]) == (1, 0, [])


async def test_what_is_in_danger_is_listed(archive: Archive, gateway: str, key: str) -> None:
    workflow = await archive.submit(steps=[STEP], metadata=QUICK)
    await rows.tell(archive.engine, workflow["id"])
    async with assistant(gateway, key) as client:
        assert (await use(client, "archive-at-risk"))["workflows"] == []
        await rows.execute(archive.engine, "UPDATE workflows SET deadline_at = now() + interval '1 day'")
        (danger,) = (await use(client, "archive-at-risk", take=1))["workflows"]
        assert danger["workflowId"] == workflow["id"]
