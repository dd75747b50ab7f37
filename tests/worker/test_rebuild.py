"""Rebuild: the storage alone gives back every row that matters."""

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archive import quarantine, retention
from bench import kept_rows
from tests.archive import stores
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import close_segments, prune, rebuild, verify
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT, DOG = picture(b"a cat, as bytes " * 1000), picture(b"a dog, as bytes " * 1000)
NOW = timedelta(0)


def quiet(_count: int) -> None:
    """No bar."""


async def live(tools: Tools, civitai: Civitai) -> None:
    """A life of all kinds: stored, withheld, shared, gone, failed for a told reason, strange, unreadable, pruned."""
    cat, dog = (blob(name, civitai.serves(name, content(body))) for name, body in (("cat", CAT), ("dog", DOG)))
    withheld = {"type": "image", "id": "bad", "available": False, "blockedReason": "minor"}
    jobs = {"jobs": [{"id": "j1", "status": "succeeded"}, {"id": "j2", "status": "failed"}]}
    civitai.workflows["whole"] = document("whole", step("s", cat, dog, withheld) | jobs) | {
        "metadata": {"strange": "\x00 \ud800 ü", "cfg": 7.5, "seed": 12345678901234567890},
        "cost": {"base": 12.5, "total": 12.50},
    }
    civitai.jobs["j1"] = {"id": "j1", "lastEvent": {"provider": "someone", "context": {"score": 0.1}}}
    civitai.workflows["shares"] = document("shares", step("s", cat))
    civitai.workflows["strange"] = document("strange", step("s") | {"output": {"hologram": {"url": "https://x.y/z"}}})
    draft = document("drafts", step("s", blob("d", civitai.serves("d", content(picture(b"d"))))))
    civitai.workflows["drafts"] = draft | {"tags": ["draft"]}
    for name in ("whole", "shares", "strange", "drafts"):
        await rows.tell(tools.engine, name, status="processing", timestamp="2026-11-22T05:00:00Z")
        await rows.tell(tools.engine, name, timestamp="2026-11-22T05:00:01.5Z")
    reason = {"$type": "job", "workflowId": "whole", "jobId": "j2", "status": "failed", "reason": "bad luck \x00"}
    await rows.record(tools.engine, reason, reason)
    await rows.tell(tools.engine, "gone")
    for name in ("whole", "shares", "strange", "drafts", "gone"):
        await archive_workflow(tools, name)
    await rows.execute(
        tools.engine, "UPDATE workflows SET due_at = now(), missing_at = now() - interval '2 hours' WHERE id = 'gone'"
    )
    await archive_workflow(tools, "gone")
    async with tools.engine.begin() as connection:
        await quarantine.add(connection, [quarantine.Unread("no event", "first", {"b": ["1"], "a": ["2"]}, b"\xff{")])
    rule = retention.Rule("drafts", "contents", tags=("draft",))
    await prune.prune(tools.engine, tools.storage, None, [rule], grace=NOW, settled=NOW)
    await close_segments.close(tools, after=NOW)


async def forget(tools: Tools) -> kept_rows.Dump:
    """Lose the database; what it knew."""
    before = await kept_rows.dump(tools.engine)
    await rows.empty(tools.engine)
    return before


async def run(tools: Tools, *, into_filled: bool = False, advance: Callable[[int], None] = quiet) -> rebuild.Rebuilt:
    return await rebuild.rebuild(tools.engine, tools.storage, into_filled=into_filled, advance=advance)


async def test_every_row_that_matters_comes_back_from_storage_alone(tools: Tools, civitai: Civitai) -> None:
    await live(tools, civitai)
    before = await forget(tools)
    assert all(before.values()), "a table of which nothing was there proves nothing"
    done: list[int] = []
    rebuilt = await run(tools, advance=done.append)
    assert rebuilt.faults == []
    assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []
    assert sum(done) == rebuilt.files == await rebuild.count(tools.storage)


async def test_nothing_that_was_finished_is_due_after_a_rebuild_and_the_rest_is(tools: Tools, civitai: Civitai) -> None:
    await live(tools, civitai)
    later = blob("later", None) | {"available": False}
    civitai.workflows["open"] = document("open", step("s", blob("cat", civitai.blob_url + "/cat"), later))
    await rows.tell(tools.engine, "open")
    await rows.tell(tools.engine, "never fetched")
    await archive_workflow(tools, "open")
    await close_segments.close(tools, after=NOW)
    await forget(tools)
    await run(tools)
    due = await rows.select(tools.engine, "SELECT id FROM workflows WHERE due_at <= now() ORDER BY id")
    assert [row["id"] for row in due] == ["never fetched", "open"]
    civitai.calls.clear()
    await archive_workflow(tools, "open")
    assert "GET /v2/consumer/workflows/open" in civitai.calls
    assert not [call for call in civitai.calls if "cat" in call], "what is stored is not fetched again"


async def test_a_rebuild_can_be_done_again_and_changes_nothing(tools: Tools, civitai: Civitai) -> None:
    await live(tools, civitai)
    before = await forget(tools)
    await run(tools)
    with pytest.raises(rebuild.NotEmpty):
        await run(tools)
    await run(tools, into_filled=True)
    assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []
    assert await rows.select(tools.engine, "SELECT id FROM workflows WHERE due_at IS NOT NULL") == []


async def test_a_rebuild_that_was_broken_off_goes_on_where_it_ended(
    tools: Tools, civitai: Civitai, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "FILES_AT_ONCE", 1)
    await live(tools, civitai)
    before = await forget(tools)

    class BrokenOff(Exception):
        pass

    def break_off_after(files_done: int) -> Callable[[int], None]:
        left = iter(range(files_done))

        def advance(_count: int) -> None:
            if next(left, None) is None:
                raise BrokenOff

        return advance

    total = await rebuild.count(tools.storage)
    for files_done in range(total):
        with pytest.raises(BrokenOff):
            await run(tools, advance=break_off_after(files_done))
    rebuilt = await run(tools)
    assert rebuilt.files == 0, "what had been taken in was taken in again"
    assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []


async def test_of_two_who_rebuild_at_once_one_does(tools: Tools, civitai: Civitai) -> None:
    await live(tools, civitai)
    before = await forget(tools)
    outcomes = await asyncio.gather(run(tools), run(tools), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Rebuilt", "UnderWay"]
    assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []


async def test_events_that_come_during_a_rebuild_are_kept_and_reach_storage(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await live(tools, civitai)
    before = await forget(tools)

    async def tell() -> None:
        for number in range(20):
            await rows.tell(tools.engine, "whole", **{"$type": "step", "name": f"late-{number}"}, status="processing")

    await asyncio.gather(run(tools, into_filled=True), tell())
    lines = sum(len(path.read_bytes().splitlines()) for path in files.segments(storage))
    after = await kept_rows.dump(tools.engine)
    assert after["events"].total() == before["events"].total() + 20
    await close_segments.close(tools, after=NOW)
    assert sum(len(path.read_bytes().splitlines()) for path in files.segments(storage)) == lines + 20


async def test_what_cannot_be_read_is_told_and_keeps_nothing_else_out(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await live(tools, civitai)
    before = await forget(tools)
    shares, strange = (files.manifest_of(storage, name) for name in ("shares", "strange"))
    files.replace(shares, b"{ half a manif")
    told: dict[str, Any] = json.loads(strange.read_bytes())
    told["rows"]["workflow"]["heard_at"] = "the day before yesterday"
    files.replace(strange, json.dumps(told).encode())
    segment = min(files.segments(storage))
    files.replace(segment, segment.read_bytes() + b"half a li")
    rebuilt = await run(tools)
    assert len(rebuilt.faults) == 3
    names = {name.rpartition("/")[2].partition("-")[0] for name, _ in rebuilt.faults}
    assert names == {"shares", "strange", segment.name.partition("-")[0]}
    assert any("PostgreSQL refuses what it tells" in fault for _, fault in rebuilt.faults)
    after = await kept_rows.dump(tools.engine)
    assert after["events"] == before["events"]
    assert before["objects"] == after["objects"]


async def test_what_was_pruned_and_stored_again_stays_although_its_manifest_cannot_be_read(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await live(tools, civitai)
    draft = picture(b"d")
    civitai.workflows["again"] = document("again", step("s", blob("again", civitai.serves("again", content(draft)))))
    await rows.tell(tools.engine, "again")
    await archive_workflow(tools, "again")
    await forget(tools)
    manifest = files.manifest_of(storage, "again")
    whole = manifest.read_bytes()
    files.replace(manifest, whole[:-100])
    assert len((await run(tools)).faults) == 1
    await prune.prune(tools.engine, tools.storage, None, [], grace=NOW, settled=NOW)
    await prune.remove(tools.engine, tools.storage, settled=NOW)
    assert draft in files.objects(storage).values()
    files.replace(manifest, whole)
    assert (await run(tools, into_filled=True)).faults == []
    await prune.prune(tools.engine, tools.storage, None, [], grace=NOW, settled=NOW)
    assert draft in files.objects(storage).values()
    assert {looked.finding.state async for looked in verify.look_at(tools.engine, tools.storage)} == {"whole"}


async def test_a_manifest_of_an_older_release_gets_defaults_for_what_it_does_not_name(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await live(tools, civitai)
    path = files.manifest_of(storage, "whole")
    told = json.loads(path.read_bytes())
    for name in ("counted_at", "failures", "document_told"):
        told["rows"]["workflow"].pop(name)
    for result in told["rows"]["results"]:
        result.pop("lost_digest")
    files.replace(path, json.dumps(told | {"new": 1}).encode())
    before = await forget(tools)
    assert (await run(tools)).faults == []
    assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []
    row = await rows.one(tools.engine, "SELECT failures, document_told FROM workflows WHERE id = 'whole'")
    assert (row["failures"], row["document_told"]) == (0, False)


async def test_a_bucket_gives_back_every_row_and_proves_its_bytes_as_a_directory_does(
    tools: Tools, civitai: Civitai, storage: Path, tmp_path: Path
) -> None:
    await live(tools, civitai)
    before = await forget(tools)
    with stores.s3_server(tmp_path / "s3") as server:
        await asyncio.to_thread(shutil.copytree, storage, server.directory / stores.BUCKET / "kept")
        bucket = server.storage("kept", tmp_path)
        bucket.id = tools.storage.id
        rebuilt = await rebuild.rebuild(tools.engine, bucket, into_filled=False, advance=quiet)
        assert rebuilt.faults == []
        assert kept_rows.differing(before, await kept_rows.dump(tools.engine)) == []
        states = [looked.finding.state async for looked in verify.look_at(tools.engine, bucket)]
        assert states == ["whole"] * before["objects"].total()
        strays = [entry.name async for entry in verify.strays(tools.engine, bucket)]
        assert strays == []
