"""From a signed URL to storage: what came is looked at first. URLs and refreshes are proved in test_keep_result."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive import settings
from archive import storage as storages
from archive.storage.incoming import Incoming
from tests.archive import samples, stores
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker.archive_workflow import archive_workflow
from worker.slots import Slots
from worker.tools import Tools, open_tools

SAMPLES = {sample.name: sample for sample in samples.all_samples()}
PAGE = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
CAT = picture(b"a cat")


async def archive(tools: Tools, civitai: Civitai, **facts: object) -> None:
    """Have a workflow with one result told, and try it once."""
    civitai.workflows["w"] = document("w", step("s", blob("b", f"{civitai.blob_url}/b", **facts)))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")


async def again(tools: Tools) -> None:
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")


def unmount(storage: Path) -> Path:
    """Take the volume away and leave its mount point; where it is now."""
    volume = storage.rename(storage.with_name("volume"))
    storage.mkdir()
    return volume


def mount(volume: Path, storage: Path) -> None:
    storage.rmdir()
    volume.rename(storage)


@pytest.mark.parametrize(
    ("kind", "came", "told"),
    [
        ("image", PAGE, "it is text/html, not image"),
        ("video", b'{"title": "not found", "status": 404}', "it is application/json, not video"),
        ("image", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "it is application/xml, not image"),
        ("audio", b"RIFF", "4 bytes are no audio"),
        ("video", SAMPLES["png"].bytes, "it is image/png, a placeholder perhaps, not video"),
    ],
)
async def test_what_is_not_the_result_is_not_kept_and_is_tried_again(
    tools: Tools, civitai: Civitai, storage: Path, kind: str, came: bytes, told: str
) -> None:
    civitai.serves("b", content(came, media_type=f"{kind}/x"))
    await archive(tools, civitai, type=kind)
    result = await rows.one(tools.engine, "SELECT * FROM results")
    assert (result["stored_at"], result["dead_at"], result["attempts"]) == (None, None, 1)
    assert result["last_error"].startswith("The content is not the result that was promised, download it again (")
    assert told in result["last_error"]
    assert (files.objects(storage), files.half_received(storage)) == ({}, [])

    good = {"image": "webp", "video": "mp4", "audio": "mp3"}[kind]
    civitai.serves("b", content(SAMPLES[good].bytes))
    await again(tools)
    assert await rows.archived(tools.engine)


@pytest.mark.parametrize("name", ["webp", "mp4", "flac", "safetensors"])
async def test_an_object_s_type_and_measures_are_those_of_the_bytes_not_of_the_claim(
    tools: Tools, civitai: Civitai, storage: Path, name: str
) -> None:
    sample = SAMPLES[name]
    civitai.serves("b", content(sample.bytes, media_type="application/wrong"))
    await archive(tools, civitai, type="something new", width=1, height=2)
    stored = await rows.one(tools.engine, "SELECT * FROM objects")
    assert stored["media_type"] == sample.media_type
    assert (stored["width"], stored["height"]) == (sample.dimensions or (None, None))
    assert stored["duration"] == (None if sample.duration is None else pytest.approx(sample.duration, abs=0.1))
    claimed = await rows.one(tools.engine, "SELECT width, height FROM results")
    assert (claimed["width"], claimed["height"]) == (1, 2)
    (told,) = files.manifest(storage)["results"]
    assert told["mediaType"] == sample.media_type
    assert (told.get("width"), told.get("height")) == (stored["width"], stored["height"])
    assert told.get("duration") == stored["duration"]


async def test_where_the_bytes_do_not_say_the_claim_is_written(tools: Tools, civitai: Civitai) -> None:
    civitai.serves("b", content(bytes(range(256)), media_type="application/x-new"))
    await archive(tools, civitai, type="something new")
    assert (await rows.one(tools.engine, "SELECT * FROM objects"))["media_type"] == "application/x-new"


async def test_while_storage_is_away_work_waits_as_due_and_no_try_is_used_up(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    civitai.serves("b", content(CAT))
    volume = unmount(storage)
    await archive(tools, civitai)
    for _ in range(3):
        await again(tools)
    result = await rows.one(tools.engine, "SELECT * FROM results")
    assert (result["stored_at"], result["dead_at"], result["attempts"], result["last_error"]) == (None, None, 0, None)
    assert await rows.select(tools.engine, "SELECT * FROM attempts") == []
    waiting = await rows.one(tools.engine, "SELECT * FROM workflows")
    assert (waiting["leased_until"], waiting["failures"], waiting["dead_at"]) == (None, 0, None)
    assert waiting["due_at"]

    mount(volume, storage)
    await again(tools)
    assert await rows.archived(tools.engine)
    assert list(files.objects(storage).values()) == [CAT]


async def test_room_is_taken_until_the_content_is_in_its_place(
    tools: Tools, civitai: Civitai, monkeypatch: pytest.MonkeyPatch
) -> None:
    civitai.serves("b", content(CAT))
    keeping, go_on = asyncio.Event(), asyncio.Event()
    keep = tools.storage.keep

    async def slow_keep(incoming: Incoming, *, media_type: str | None) -> None:
        keeping.set()
        await go_on.wait()
        await keep(incoming, media_type=media_type)

    monkeypatch.setattr(tools.storage, "keep", slow_keep)
    slots = Slots(bytes_at_once=len(CAT))
    archiving = asyncio.create_task(archive(replace(tools, slots=slots), civitai))
    await keeping.wait()
    more = asyncio.create_task(slots.room(1).__aenter__())
    await asyncio.sleep(0.05)
    assert not more.done()
    go_on.set()
    await archiving
    await asyncio.wait_for(more, 30)


@pytest.fixture
async def tools_with_a_bucket(
    environment_there: dict[str, str], config_there: settings.Settings, tmp_path: Path
) -> AsyncIterator[tuple[Tools, stores.S3Server]]:
    del config_there  # which has emptied tables and queue
    with stores.s3_server(tmp_path / "s3") as server:
        there = environment_there | server.environment("kept/here") | {"ARCHIVE_HOME": str(tmp_path / "home")}
        async with open_tools(settings.read(there)) as tools:
            yield tools, server


async def test_a_workflow_is_archived_into_a_bucket_which_may_go_away_meanwhile(
    tools_with_a_bucket: tuple[Tools, stores.S3Server], civitai: Civitai, tmp_path: Path
) -> None:
    tools, server = tools_with_a_bucket
    civitai.serves("b", content(CAT))
    server.kill()
    await archive(tools, civitai)
    assert (await rows.one(tools.engine, "SELECT * FROM results"))["attempts"] == 0
    server.start()
    await again(tools)
    assert await rows.archived(tools.engine)
    kept = server.files("kept/here")
    (digest,) = [row["digest"] for row in await rows.select(tools.engine, "SELECT digest FROM objects")]
    assert kept[storages.object_name(digest)] == CAT
    assert {name.split("/")[0] for name in kept} == {storages.MARKER, "objects", "workflows"}
    assert stores.files(tmp_path / "home") == {}
