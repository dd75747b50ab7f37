"""`rebuild`, as an operator meets it who has lost the database."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import manifests, marker, workflows
from archive.storage.local import LocalStorage
from tests.archive.factories import archived_workflow
from tests.cli import commands
from tests.worker import files, rows


@pytest.fixture
async def lost(servers: dict[str, str], engine: AsyncEngine, tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment whose database has forgotten everything, and the manifest that its storage holds."""
    store = LocalStorage(tmp_path / "storage")
    picture = {"type": "image", "id": "b", "available": True, "url": "https://blobs.example/b"}
    document = {"id": "w", "status": "succeeded", "steps": [{"name": "s", "output": {"images": [picture]}}]}
    await archived_workflow(engine, document)
    async with engine.begin() as connection:
        await store.mark((await marker.know(connection, None)).id)
        told = (await manifests.rows(connection, ["w"]))["w"]
    name = manifests.name("w", datetime.now(UTC))
    content = manifests.build("w", workflows.Kept(document, told=False, gone_at=None), [], told)
    await store.write(name, content, media_type=manifests.MEDIA_TYPE)
    await rows.empty(engine)
    return servers | {"STORAGE_URL": store.url}, store.root / name


async def test_an_empty_database_is_filled_and_a_filled_one_refused(
    lost: tuple[dict[str, str], Path], engine: AsyncEngine
) -> None:
    environment, _ = lost
    done = await commands.run("rebuild", environment=environment)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 files taken in. civitai-archive verify --all ")
    assert done.out.splitlines()[-1].startswith("civitai-archive browse ")
    assert (await rows.one(engine, "SELECT count(*) AS stored FROM results WHERE stored_at IS NOT NULL"))["stored"] == 1
    (await commands.run("rebuild", environment=environment)).assert_failed(1, "is not empty: .* --into-filled")
    assert (await commands.run("rebuild", "--into-filled", environment=environment)).code == 0


async def test_what_cannot_be_taken_in_is_listed_and_ends_badly(lost: tuple[dict[str, str], Path]) -> None:
    environment, manifest = lost
    files.replace(manifest, b"{")
    done = await commands.run("rebuild", "--json", environment=environment)
    done.assert_failed(1, "0 files taken in; 1 times")
    (fault,) = [json.loads(line) for line in done.out.splitlines()]
    assert fault["file"].endswith(manifest.name)
    assert fault["fault"].startswith("it is not a manifest")


async def test_a_database_without_tables_is_told_to_be_migrated(
    lost: tuple[dict[str, str], Path], without_tables: str
) -> None:
    environment = lost[0] | {"DATABASE_URL": without_tables}
    (await commands.run("rebuild", environment=environment)).assert_failed(1, "run civitai-archive migrate")
