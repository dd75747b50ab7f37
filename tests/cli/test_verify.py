"""`verify`: what is wrong with what is stored, for people and for programs."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import marker, objects
from archive.media.contents import Facts
from archive.storage import object_name
from archive.storage.local import LocalStorage
from tests.archive.factories import archived_workflow
from tests.archive.stores import keep
from tests.cli import commands
from tests.worker import files, rows

CONTENTS = (b"first", b"second", b"third")


@pytest.fixture
async def stored(servers: dict[str, str], engine: AsyncEngine, tmp_path: Path) -> tuple[dict[str, str], list[Path]]:
    """An environment, and the files of a few objects in its storage."""
    store = LocalStorage(tmp_path / "storage")
    async with engine.begin() as connection:
        await store.mark((await marker.know(connection, None)).id)
        await marker.see(connection, store.url)
        digests = [await keep(store, content) for content in CONTENTS]
        facts = [Facts(size=len(content)) for content in CONTENTS]
        await objects.add(connection, dict(zip(digests, facts, strict=True)))
    return servers | {"STORAGE_URL": store.url}, [store.root / object_name(digest) for digest in digests]


async def test_what_is_whole_ends_well(stored: tuple[dict[str, str], list[Path]]) -> None:
    done = await commands.run("verify", environment=stored[0])
    assert (done.code, done.out, done.err) == (0, "3 objects looked at, all of them whole.\n", "")
    everything = await commands.run("verify", "--all", environment=stored[0])
    assert everything.out == "3 objects, and every manifest and segment, looked at, all of them whole.\n"
    for_programs = await commands.run("verify", "--json", environment=stored[0])
    assert (for_programs.code, for_programs.out) == (0, "")


async def test_what_is_wrong_is_listed_in_every_form_and_ends_badly(
    stored: tuple[dict[str, str], list[Path]], engine: AsyncEngine
) -> None:
    environment, (first, second, third) = stored
    files.replace(first, b"tsrif")
    second.unlink()
    await rows.execute(engine, "DELETE FROM objects WHERE digest = :digest", digest=bytes.fromhex(third.name))
    os.utime(third, (0, 0))
    done = await commands.run("verify", "--all", "--csv", environment=environment)
    done.assert_failed(1, "3 wrong, of 2 objects looked at; .* is found by the next verify; bytes without a row")
    listed = {row["problem"]: row for row in csv.DictReader(io.StringIO(done.out))}
    assert {name: Path(row["name"]).name for name, row in listed.items()} == {
        "damaged": first.name,
        "missing": second.name,
        "no row": third.name,
    }
    assert listed["damaged"]["aside"].startswith("damaged/")
    again = await commands.run("verify", "--all", "--json", environment=environment)
    assert sorted(json.loads(line)["problem"] for line in again.out.splitlines()) == ["missing", "missing", "no row"]
    shown = await commands.run("verify", environment=environment)
    assert shown.code == 1
    assert "problem  name" in shown.out


async def test_a_missing_manifest_is_told_and_its_workflow_due(
    stored: tuple[dict[str, str], list[Path]], engine: AsyncEngine
) -> None:
    await archived_workflow(engine, {"id": "w", "status": "succeeded", "steps": []})
    done = await commands.run("verify", "--all", "--json", environment=stored[0])
    done.assert_failed(1, "1 wrong, of 3 objects looked at; 1 workflows are due again for it; manifests and segments")
    assert json.loads(done.out)["problem"] == "no manifest"
    assert (await rows.one(engine, "SELECT due_at <= now() AS due FROM workflows"))["due"]


async def test_without_a_budget_everything_must_be_asked_for(stored: tuple[dict[str, str], list[Path]]) -> None:
    environment = stored[0] | {"VERIFY_BYTES_PER_DAY": "0"}
    (await commands.run("verify", environment=environment)).assert_failed(2, "say --all")
    assert (await commands.run("verify", "--all", environment=environment)).code == 0


async def test_a_storage_that_is_not_there_is_said_and_nothing_is_marked(
    stored: tuple[dict[str, str], list[Path]], engine: AsyncEngine, tmp_path: Path
) -> None:
    environment = stored[0] | {"STORAGE_URL": (tmp_path / "elsewhere").as_uri()}
    (await commands.run("verify", environment=environment)).assert_failed(1, "mount its volume")
    assert (await rows.one(engine, "SELECT count(damaged_at) AS damaged FROM objects"))["damaged"] == 0
