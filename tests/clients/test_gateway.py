"""A client that nobody here wrote finds at the gateway what Civitai had, after Civitai has lost it all."""

from dataclasses import asdict
from typing import Any

import httpx
import pytest

from gateway.sources import ARCHIVE, HEADER
from sandbox.server import Sandbox
from tests import working
from tests.clients import javascript, readings
from tests.gateway.conftest import QUICK, Archive
from tests.sandbox import consumers
from tests.worker import rows

Document = dict[str, Any]

OCTETS = "application/octet-stream"


@pytest.fixture
async def recording(installed: None, archive: Archive, sandbox: Sandbox) -> Document:
    """Everything that the client reads at Civitai, once it has been archived; nothing is there any more."""
    del installed
    kinds = ("imageGen", "videoGen", "echo")
    ran = [await archive.submit(steps=consumers.body(kind)["steps"], metadata=QUICK, tags=[kind]) for kind in kinds]
    async with archive.worker():
        for workflow in ran:
            await rows.tell(archive.engine, workflow["id"])
        await working.eventually(lambda: rows.archived(archive.engine, len(ran)), what="archiving")
    async with javascript.client(sandbox.api_url, sandbox.token) as client:
        read: Document = readings.without_urls(await readings.everything(client))
    await control(sandbox, "forget")
    return read


def as_told(read: Document, recording: Document) -> Document:
    """The same, but for media types of which Civitai's host says nothing, and the archive has found out more."""
    return {
        name: {**answer, "data": {**answer["data"], "mediaType": OCTETS}}
        if name.startswith("blob ") and recording.get(name, {}).get("data", {}).get("mediaType") == OCTETS
        else answer
        for name, answer in readings.without_urls(read).items()
    }


async def control(sandbox: Sandbox, what: str, told: object = None) -> None:
    async with httpx.AsyncClient() as http:
        (await http.post(f"{sandbox.api_url}/sandbox/{what}", json=told)).raise_for_status()


async def test_what_civitai_has_forgotten_is_all_there(recording: Document, gateway: str, key: str) -> None:
    assert [len(page) for page in recording["pages"]] == [2, 1]
    assert len(recording) > 8  # pages, workflows, steps and blobs
    async with javascript.client(gateway, key, {HEADER: ARCHIVE}) as client:
        assert as_told(await readings.everything(client), recording) == recording


async def test_a_client_that_says_nothing_of_archives_is_answered_as_before(
    recording: Document, gateway: str, key: str
) -> None:
    async with javascript.client(gateway, key) as client:
        assert await client.pages() == [[]]  # Civitai answers, and has nothing to list
        for name, answer in recording.items():
            match name.split(" "):
                case ["workflow", workflow_id]:
                    found = await client.call("getWorkflow", path={"workflowId": workflow_id}, query={"wait": 5})
                case ["step", workflow_id, step]:
                    found = await client.call("getWorkflowStep", path={"workflowId": workflow_id, "stepName": step})
                case ["blob", blob_id]:
                    found = await client.call("getBlob", path={"blobId": blob_id}, parseAs="blob")
                    assert (await client.call("headBlob", path={"blobId": blob_id})).status == 204
                    fresh = await client.call("refreshBlob", path={"blobId": blob_id})
                    assert (fresh.status, fresh.data["available"]) == (200, True)
                    async with httpx.AsyncClient() as stranger:
                        assert (await stranger.get(fresh.data["url"])).status_code == 200
                case _:
                    continue
            assert as_told({name: asdict(found)}, recording) == {name: answer}


async def test_while_civitai_fails_every_page_is_there_too(
    recording: Document, sandbox: Sandbox, gateway: str, key: str
) -> None:
    await control(sandbox, "faults", {"faults": {"api_500": 1.0}})
    async with javascript.client(gateway, key) as client:
        assert as_told(await readings.everything(client), recording) == recording
