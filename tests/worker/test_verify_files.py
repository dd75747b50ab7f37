"""Verification of manifests and segments: whatever is missing or damaged of them is written anew."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archive import retention
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import close_segments, prune, verify_files
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

NOW = timedelta(0)


async def kept(tools: Tools, civitai: Civitai) -> None:
    """Two workflows, archived, and what was told of them in storage."""
    for name in ("w1", "w2"):
        picture_of = blob(name, civitai.serves(name, content(picture(name.encode()))))
        civitai.workflows[name] = document(name, step("s", picture_of))
        await rows.tell(tools.engine, name)
        await archive_workflow(tools, name)
    await close_segments.close(tools, after=NOW)


async def look(tools: Tools) -> list[verify_files.Broken]:
    found = [broken async for broken in verify_files.verify_manifests(tools.engine, tools.storage)]
    return found + [broken async for broken in verify_files.verify_segments(tools.engine, tools.storage)]


async def test_what_can_be_read_is_left_alone(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await kept(tools, civitai)
    before = files.names(storage)
    assert await look(tools) == []
    assert files.names(storage) == before
    assert await rows.archived(tools.engine, 2)


@pytest.mark.parametrize("rotten", [None, b"", b'{"format": "civitai-archive/manifest/1"}'])
async def test_a_manifest_that_cannot_be_read_is_written_anew_though_civitai_has_forgotten(
    tools: Tools, civitai: Civitai, storage: Path, rotten: bytes | None
) -> None:
    await kept(tools, civitai)
    path = files.manifest_of(storage, "w1")
    if rotten is None:
        path.unlink()
    else:
        files.replace(path, rotten)
    (broken,) = await look(tools)
    assert (broken.state, broken.name) == (
        "no manifest" if rotten is None else "broken manifest",
        path.relative_to(storage).as_posix(),
    )
    civitai.forget()
    await rows.execute(tools.engine, "UPDATE workflows SET deadline_at = now()")
    await archive_workflow(tools, "w1")
    assert await look(tools) == []
    assert await rows.archived(tools.engine, 2)


async def test_a_manifest_in_the_place_of_another_is_no_manifest_of_that_workflow(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await kept(tools, civitai)
    first, second = (files.manifest_of(storage, name) for name in ("w1", "w2"))
    files.replace(first, second.read_bytes())
    assert [broken.state for broken in await look(tools)] == ["broken manifest"]


async def test_a_manifest_that_says_less_than_the_rows_is_written_anew(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    """As a holder leaves it who was paused while he wrote it, was overtaken, and was killed then."""
    await kept(tools, civitai)
    path = files.manifest_of(storage, "w1")
    whole = path.read_bytes()
    told = json.loads(whole)
    (result,) = told["rows"]["results"]
    result |= {"stored_at": None, "object_digest": None}
    for stale in (told, json.loads(whole) | {"rows": unarchived(json.loads(whole)["rows"])}):
        files.replace(path, json.dumps(stale).encode())
        assert [broken.state for broken in await look(tools)] == ["stale manifest"]
        assert await look(tools) == [], "it is owed, and somebody's already"
        await archive_workflow(tools, "w1")
        assert await look(tools) == []
        assert json.loads(path.read_bytes())["rows"]["results"] == json.loads(whole)["rows"]["results"]


def unarchived(rows_of_it: dict[str, Any]) -> dict[str, Any]:
    return rows_of_it | {"workflow": rows_of_it["workflow"] | {"archived_at": None}}


async def test_a_manifest_that_tells_of_what_was_pruned_is_not_stale(tools: Tools, civitai: Civitai) -> None:
    await kept(tools, civitai)
    rule = retention.Rule("all", "contents", older_than=NOW)
    pruned = await prune.prune(tools.engine, tools.storage, None, [rule], grace=NOW)
    assert pruned.by_rule["all"].rows == 2
    assert await look(tools) == []


async def test_a_segment_that_is_missing_or_damaged_is_written_again(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await kept(tools, civitai)
    (path,) = files.segments(storage)
    whole = path.read_bytes()
    files.replace(path, whole[:-20])
    (broken,) = await look(tools)
    assert (broken.state, broken.name) == ("broken segment", path.relative_to(storage).as_posix())
    assert broken.aside is not None
    assert files.content(storage, broken.aside) == whole[:-20]
    await close_segments.close(tools)
    assert path.read_bytes() == whole
    path.unlink()
    assert [broken.state for broken in await look(tools)] == ["no segment"]
    await close_segments.close(tools)
    assert path.read_bytes() == whole
    assert await look(tools) == []


async def test_a_segment_of_which_everything_was_pruned_is_not_missed(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await kept(tools, civitai)
    (path,) = files.segments(storage)
    path.unlink()
    await rows.execute(tools.engine, "DELETE FROM events")
    assert await look(tools) == []
