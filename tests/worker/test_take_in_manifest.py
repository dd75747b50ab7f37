"""A worker at work after the database was lost, before and while it is rebuilt, forgets nothing that storage tells."""

from pathlib import Path

from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import rebuild
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT, DOG = picture(b"a cat"), picture(b"a dog")
FORGOTTEN = {"type": "image", "id": "cat", "available": False}


async def lost(tools: Tools, civitai: Civitai) -> None:
    """A workflow of two pictures is in storage alone; Civitai has forgotten one of them, and the file of the other."""
    found = [blob(name, civitai.serves(name, content(body))) for name, body in (("cat", CAT), ("dog", DOG))]
    civitai.workflows["w"] = whole = document("w", step("s", *found))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)
    created_at = whole["createdAt"]
    await rows.empty(tools.engine)
    civitai.forget()
    civitai.workflows["w"] = document("w", step("s", FORGOTTEN)) | {"createdAt": created_at}


async def stored(tools: Tools) -> list[bytes]:
    return [row["object_digest"] for row in await rows.results(tools.engine) if row["stored_at"] is not None]


async def test_a_callback_before_the_rebuild_takes_nothing_away(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await lost(tools, civitai)
    before = files.manifest(storage)["rows"]
    await rows.tell(tools.engine, "w", status="failed")
    await archive_workflow(tools, "w")
    assert files.manifest(storage)["rows"] == before
    assert len(await stored(tools)) == 2
    await archive_workflow(tools, "w")  # as the event obliges to
    assert await rows.archived(tools.engine)
    assert len(await stored(tools)) == 2
    kept = [(row["path"], row["object_digest"]) for row in files.manifest(storage)["rows"]["results"]]
    assert kept == [(row["path"], row["object_digest"]) for row in before["results"]]


async def test_the_rebuild_after_that_still_asks_for_nothing_and_takes_in_the_rest(
    tools: Tools, civitai: Civitai
) -> None:
    await lost(tools, civitai)
    await rows.tell(tools.engine, "w", status="failed")
    for _ in range(2):
        await archive_workflow(tools, "w")
    rebuilt = await rebuild.rebuild(tools.engine, tools.storage, into_filled=True, advance=lambda _: None)
    assert rebuilt.faults == []
    assert len(await stored(tools)) == 2
    assert await rows.archived(tools.engine)


async def test_a_manifest_that_cannot_be_read_holds_nothing_up(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await lost(tools, civitai)
    files.replace(files.manifest_of(storage, "w"), b"{")
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert files.manifest(storage)["workflowId"] == "w"
