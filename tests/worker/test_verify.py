"""Verification: damage is found, said, moved aside, and made good while Civitai has the bytes."""

import asyncio
import dataclasses
import os
import time
from pathlib import Path

import pytest

from archive import fixity, queue
from archive.storage import incoming
from archive.storage_errors import StorageUnavailable
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import verify
from worker.allowance import RUNS_A_DAY, Allowance
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CATS = [picture(f"cat {number} ".encode() * 1000) for number in range(3)]


async def archived(tools: Tools, civitai: Civitai) -> None:
    """A workflow `w` of a few pictures, archived and at rest."""
    found = [blob(f"b{number}", civitai.serves(f"b{number}", content(cat))) for number, cat in enumerate(CATS)]
    for one in found:
        civitai.refreshed[str(one["id"])] = one
    civitai.workflows["w"] = document("w", step("s", *found))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)


def lying(storage: Path, cat: bytes) -> Path:
    (path,) = [path for path in (storage / "objects").rglob("*") if path.is_file() and path.read_bytes() == cat]
    return path


def rot(path: Path) -> None:
    """Have other bytes in this very file, whatever names it has."""
    path.chmod(0o600)
    path.write_bytes(b"rotten")


def named(storage: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (storage / "browse").rglob("*") if path.is_file())


async def look(tools: Tools, at_most: int | None = None) -> list[verify.Looked]:
    return [looked async for looked in verify.look_at(tools.engine, tools.storage, at_most=at_most)]


async def stored(tools: Tools) -> list[bool]:
    return [row["stored_at"] is not None for row in await rows.results(tools.engine)]


async def test_what_is_whole_is_said_to_be_and_nothing_becomes_due(tools: Tools, civitai: Civitai) -> None:
    await archived(tools, civitai)
    assert [looked.finding.state for looked in await look(tools)] == ["whole"] * 3
    assert await verify.owe(tools.engine) == []
    assert (await rows.one(tools.engine, "SELECT count(verified_at) AS seen FROM objects"))["seen"] == 3


async def test_a_damaged_object_and_a_missing_one_are_fetched_again(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    before = files.objects(storage)
    files.replace(lying(storage, CATS[0]), CATS[0].swapcase())
    lying(storage, CATS[1]).unlink()
    looked = await look(tools)
    assert sorted((one.finding.state, one.needed) for one in looked) == [("damaged", 1), ("missing", 1), ("whole", 0)]
    assert await verify.owe(tools.engine) == ["w"]
    assert sorted(await stored(tools)) == [False, False, True]
    await archive_workflow(tools, "w")
    assert await stored(tools) == [True] * 3
    assert files.objects(storage) == before
    assert [path.read_bytes() for path in (storage / "damaged").iterdir()] == [CATS[0].swapcase()]
    assert [one.finding.state for one in await look(tools)] == ["whole"] * 3
    assert (await rows.one(tools.engine, "SELECT count(damaged_at) AS damaged FROM objects"))["damaged"] == 0


async def test_damaged_bytes_have_no_name_for_people_until_the_right_ones_are_back(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    rot(lying(storage, CATS[0]))
    assert named(storage) == sorted([b"rotten", *CATS[1:]])
    await look(tools)
    assert named(storage) == sorted(CATS[1:])
    await verify.owe(tools.engine)
    await archive_workflow(tools, "w")
    assert named(storage) == sorted(CATS)


async def test_a_name_that_somebody_left_who_was_killed_after_the_moving_goes_with_the_next_look(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    path = lying(storage, CATS[0])
    rot(path)
    await fixity.look(tools.storage, bytes.fromhex(path.name))
    assert b"rotten" in named(storage)
    await look(tools)
    assert named(storage) == sorted(CATS[1:])


@pytest.mark.parametrize("size", [1, incoming.PIECE_BYTES])
async def test_a_name_follows_when_a_download_replaces_what_has_rotted_before_anybody_has_looked(
    tools: Tools, civitai: Civitai, storage: Path, size: int
) -> None:
    cat = picture(b"a cat of its own " + bytes(size))
    civitai.workflows["w"] = document("w", step("s", blob("own", civitai.serves("own", content(cat)))))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    rot(lying(storage, cat))
    assert named(storage) == [b"rotten"]
    async with tools.storage.receive() as again:
        await again.write(cat)
        await tools.storage.keep(again, media_type="image/png")
    assert named(storage) == [cat]


async def test_something_in_the_place_of_browse_keeps_no_damage_from_being_told(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    (storage / "browse").write_text("in the way")
    await archived(tools, civitai)
    rot(lying(storage, CATS[0]))
    assert sorted(one.finding.state for one in await look(tools)) == ["damaged", "whole", "whole"]


async def test_what_civitai_has_no_more_is_remembered_and_comes_back_with_a_copy_from_a_backup(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    path = lying(storage, CATS[2])
    files.replace(path, b"rotten")
    civitai.forget()
    await look(tools)
    await verify.owe(tools.engine)
    await rows.execute(tools.engine, "UPDATE workflows SET deadline_at = now()")
    await archive_workflow(tools, "w")
    (lost,) = [row for row in await rows.results(tools.engine) if row["stored_at"] is None]
    assert lost["dead_at"] is not None
    assert lost["lost_digest"].hex() == path.name
    files.replace(path, CATS[2])
    assert [one.finding.state for one in await look(tools)] == ["whole"] * 3
    assert await verify.owe(tools.engine) == ["w"]
    assert await stored(tools) == [True] * 3


async def test_bytes_that_come_back_before_the_row_says_damaged_leave_nothing_damaged(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    path = lying(storage, CATS[0])
    path.unlink()

    class Slow:
        """Storage in which somebody stores the object again right after it was missed."""

        def __getattr__(self, name: str) -> object:
            if name == "size":
                files.replace(path, CATS[0])
            return getattr(tools.storage, name)

    looked = [one async for one in verify.look_at(tools.engine, Slow())]  # type: ignore[arg-type]
    assert [one.finding.state for one in looked] == ["whole"] * 3
    assert await verify.owe(tools.engine) == []


async def test_a_budget_is_kept_and_the_next_look_goes_on_where_this_one_ended(tools: Tools, civitai: Civitai) -> None:
    await archived(tools, civitai)
    first = await look(tools, at_most=len(CATS[0]) + 1)
    second = await look(tools, at_most=1)
    assert len(first) == 2
    assert len(second) == 1
    assert {one.object.digest for one in first} | {one.object.digest for one in second} == {
        row["digest"] for row in await rows.select(tools.engine, "SELECT digest FROM objects")
    }


async def test_a_storage_that_is_away_damages_nothing(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archived(tools, civitai)
    await asyncio.to_thread(storage.rename, storage.with_name("unmounted"))
    with pytest.raises(StorageUnavailable):
        await look(tools)
    assert (await rows.one(tools.engine, "SELECT count(damaged_at) AS damaged FROM objects"))["damaged"] == 0


async def test_the_background_looks_at_what_has_rested_and_rings_for_what_is_due(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    lying(storage, CATS[0]).unlink()
    await tools.redis.flushall()
    await verify.roll(tools)  # all of it has just been stored
    assert await queue.waiting(tools.redis) == 0
    await rows.execute(tools.engine, "UPDATE objects SET stored_at = now() - interval '2 days'")
    await verify.roll(tools)
    assert await queue.waiting(tools.redis) == 1
    assert sorted(await stored(tools)) == [False, True, True]


async def test_the_background_looks_at_nothing_while_a_rebuild_has_not_come_to_what_was_pruned(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    lying(storage, CATS[0]).unlink()
    await rows.execute(tools.engine, "UPDATE objects SET stored_at = now() - interval '2 days'")
    await rows.execute(tools.engine, "INSERT INTO rebuilt_files (name, read_at) VALUES ('workflows/w.json', now())")
    await verify.roll(tools)
    assert await stored(tools) == [True] * 3
    await rows.execute(tools.engine, "DELETE FROM rebuilt_files")
    await verify.roll(tools)
    assert sorted(await stored(tools)) == [False, True, True]


async def test_the_background_spends_no_more_than_its_allowance(tools: Tools, civitai: Civitai) -> None:
    await archived(tools, civitai)
    await rows.execute(tools.engine, "UPDATE objects SET stored_at = now() - interval '2 days'")
    thrifty = dataclasses.replace(tools, allowance=Allowance(RUNS_A_DAY))  # a byte a run
    for _ in range(3):
        await verify.roll(thrifty)
    assert (await rows.one(tools.engine, "SELECT count(verified_at) AS seen FROM objects"))["seen"] == 1


async def test_bytes_without_a_row_are_listed_once_they_have_lain_for_long(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    await archived(tools, civitai)
    names = ["objects/sha256/00/00/" + "0" * 64, "objects/somebodys.txt", "objects/sha256/00/00/" + "1" * 64]
    for name in names:
        path = storage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"stray")
    an_age_ago = time.time() - 2 * verify.UNNAMED.total_seconds()
    for name in names[:2]:
        os.utime(storage / name, (an_age_ago, an_age_ago))
    found = [entry.name async for entry in verify.strays(tools.engine, tools.storage)]
    assert sorted(found) == names[:2]
