"""The manifest of a workflow: it says what the rows say, and whoever was overtaken never has the last word."""

import asyncio
import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from archive import due
from archive.storage.local import LocalStorage
from orchestration.wire import JsonObject
from tests import working
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, status, step
from tests.worker.one_workflow import CAT, DOG, again
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


class Slow(LocalStorage):
    """Storage whose first document waits, as one does whose writer is paused; whoever writes next does not."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.arrived, self.opened = asyncio.Event(), asyncio.Event()

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.opened.wait()
        await super().write(name, content, media_type=media_type)


def told(civitai: Civitai, *extra: JsonObject) -> None:
    found = blob("b", civitai.serves("b", content(CAT)))
    civitai.workflows["w"] = document("w", step("s", found, *extra))


async def the_row(tools: Tools) -> dict[str, Any]:
    return dict(await rows.one(tools.engine, "SELECT * FROM workflows"))


async def test_the_manifest_says_when_the_workflow_was_archived_as_the_row_does(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    told(civitai)
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    repeated = files.manifest(storage)["rows"]["workflow"]
    row = await the_row(tools)
    for name in ("archived_at", "heard_at", "fetched_at"):
        assert datetime.fromisoformat(repeated[name]) == row[name]
    assert repeated["attempts"] == row["attempts"]


async def test_the_documents_of_jobs_are_in_the_manifest_too(tools: Tools, civitai: Civitai, storage: Path) -> None:
    told(civitai)
    workflow = civitai.workflows["w"]
    assert isinstance(workflow, dict)
    workflow["steps"][0]["jobs"] = [{"id": "j", "status": "succeeded"}]
    civitai.jobs["j"] = {"id": "j", "lastEvent": {"provider": "someone"}}
    await rows.record(
        tools.engine, {"$type": "job", "workflowId": "w", "jobId": "j", "status": "failed", "reason": "bad luck"}
    )
    await archive_workflow(tools, "w")
    (job,) = files.manifest(storage)["rows"]["jobs"]
    row = await rows.one(tools.engine, "SELECT * FROM jobs")
    assert (job["provider"], job["reason"], job["document"]) == ("someone", "bad luck", civitai.jobs["j"])
    assert datetime.fromisoformat(job["document_at"]) == row["document_at"]


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_holder_who_was_overtaken_in_the_midst_of_writing_does_not_have_the_last_word(
    tools: Tools, civitai: Civitai, storage: Path, is_cancelled: bool
) -> None:
    slow = Slow(storage)
    slow.id = tools.storage.id
    paused = dataclasses.replace(tools, storage=slow)
    told(civitai)
    await rows.tell(tools.engine, "w")
    first = asyncio.create_task(archive_workflow(paused, "w"))
    await slow.arrived.wait()
    await rows.execute(tools.engine, "UPDATE workflows SET leased_until = now() - interval '1 s', due_at = now()")
    told(civitai, blob("b2", civitai.serves("b2", content(picture(b"two")))))
    await archive_workflow(tools, "w")
    assert len(files.manifest(storage)["results"]) == 2
    if is_cancelled:
        first.cancel()
    slow.opened.set()
    await asyncio.gather(first, return_exceptions=True)
    await working.eventually(lambda: _is_due(tools))
    await archive_workflow(tools, "w")
    assert len(files.manifest(storage)["results"]) == 2
    row = await the_row(tools)
    assert row["due_at"] is None
    assert files.manifest(storage)["rows"]["workflow"]["attempts"] == row["attempts"]


async def test_a_holder_who_is_overtaken_has_not_said_that_the_workflow_is_archived(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    slow = Slow(storage)
    slow.id = tools.storage.id
    told(civitai)
    await rows.tell(tools.engine, "w")
    first = asyncio.create_task(archive_workflow(dataclasses.replace(tools, storage=slow), "w"))
    await slow.arrived.wait()
    async with tools.engine.begin() as connection:
        await due.owe(connection, ["w"])
    slow.opened.set()
    await first
    row = await the_row(tools)
    assert (row["archived_at"], row["leased_until"]) == (None, None)
    assert row["due_at"] is not None


async def _is_due(tools: Tools) -> bool:
    return (await the_row(tools))["due_at"] is not None


async def test_a_manifest_tells_what_became_of_every_result(tools: Tools, civitai: Civitai, storage: Path) -> None:
    cat = blob("cat", civitai.serves("cat", content(CAT)))
    withheld = {"id": "no", "type": "image", "available": False, "blockedReason": "moderated"}
    dead = blob("dead", None)
    civitai.refreshed["dead"] = 400
    slow = blob("slow", civitai.serves("slow", status(503)))
    told = civitai.workflows["w"] = document("w", step("one", cat, withheld, dead, slow))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")

    manifest = files.manifest(storage)
    assert manifest["document"] == told
    assert manifest["workflowId"] == "w"
    by_id = {result["blobId"]: result for result in manifest["results"]}
    assert [result["path"] for result in manifest["results"]] == [f"output.images[{number}]" for number in range(4)]
    assert (by_id["cat"]["size"], by_id["cat"]["mediaType"]) == (len(CAT), "image/png")
    assert files.objects(storage)[by_id["cat"]["digest"]] == CAT
    assert by_id["cat"]["storedAt"]
    assert by_id["no"]["withheldAt"]
    assert by_id["no"]["blockedReason"] == "moderated"
    assert by_id["dead"]["deadAt"]
    assert "HTTP 400" in by_id["dead"]["lastError"]
    settled = {"storedAt", "withheldAt", "goneAt", "deadAt"}
    assert not settled & by_id["slow"].keys(), "siblings of what takes days are safe already"
    assert not await rows.archived(tools.engine)

    civitai.serves("slow", content(DOG))
    await again(tools)
    assert await rows.archived(tools.engine)
    assert [bool(settled & result.keys()) for result in files.manifest(storage)["results"]] == [True] * 4
