import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, settings
from cli import demo_report, failures
from orchestration.client import Client
from sandbox.server import Sandbox
from tests.working import eventually

LINES = [
    demo_report.Line("4177805-20261122055908192", "videoFrameExtraction", "archived", 16, 16, 123_456_789, True, 12.34),
    demo_report.Line("4177805-20261122055908193", "chatCompletion", "archived", 0, 0, 0, True, 0.5),
    demo_report.Line("4177805-20261122055908194", "imageGen", "processing", 4, 2, 700, False, None),
    demo_report.Line("4177805-20261122055908195", "imageToSvg", "submitted", 0, 0, 0, False, None),
]


@pytest.fixture
def console() -> Console:
    return Console(width=80, file=io.StringIO(), highlight=False)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_eighty_columns_show_all_but_the_end_of_the_id(console: Console) -> None:
    console.print(demo_report.picture(LINES, 3.21))
    header, frames, chat, images, svg, _, summary = written(console).splitlines()
    assert header.split() == ["step", "type", "state", "results", "bytes", "seconds", "workflow"]
    assert frames.split()[:7] == ["✓", "videoFrameExtraction", "archived", "16/16", "123.5", "MB", "12.34"]
    assert frames.split()[7].startswith("4177805-")
    assert frames.rstrip().endswith("…")
    assert chat.split()[:6] == ["✓", "chatCompletion", "archived", "document", "–", "0.50"]
    assert images.split()[1:6] == ["imageGen", "processing", "2/4", "700", "bytes"]
    assert svg.split()[1:5] == ["imageToSvg", "submitted", "–", "–"]
    assert summary == "2 of 4 workflows archived, 18 results, 123.5 MB, 3.2 s"


@pytest.fixture
async def archived(
    config: settings.Settings,
    engine: AsyncEngine,
    sandbox: Sandbox,
    receiver: str,
    worker: Callable[[], AbstractAsyncContextManager[None]],
) -> None:
    """A workflow of two images, archived."""
    callback = access.callbacks_entry(access.callback_url(receiver, config.callback_secrets[0]))
    steps = [{"$type": "textToImage", "input": {"prompt": "two cats", "quantity": 2}}]
    async with worker(), Client(config.api_url, sandbox.token) as civitai:
        workflow_id = (await civitai.submit({"steps": steps, "callbacks": [callback]}))["id"]

        async def it_is_archived() -> bool:
            (line,) = await demo_report.progress(engine, {workflow_id: "textToImage"})
            assert (line.workflow_id, line.type) == (workflow_id, "textToImage")
            return line.archived and line.seconds is not None and line.stored == 2 and line.bytes > 0

        await eventually(it_is_archived, what="archiving")


@pytest.fixture
def objects(archived: None, tmp_path: Path) -> list[Path]:
    del archived
    return [path for path in (tmp_path / "storage" / "objects").rglob("*") if path.is_file()]


async def test_what_is_right_is_said(
    objects: list[Path], console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox
) -> None:
    assert len(objects) == 2
    await demo_report.compare(console, config, engine, sandbox)
    assert written(console) == "✓ the SHA-256 of all 2 stored results is that of what was served\n"


async def test_a_damaged_object_is_a_failure(
    objects: list[Path], console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox
) -> None:
    objects[0].chmod(0o600)
    objects[0].write_bytes(objects[0].read_bytes()[:-1] + b"?")
    with pytest.raises(failures.CommandFailed, match=r"1 of 2 results are missing or differ .* 0 were not expected"):
        await demo_report.compare(console, config, engine, sandbox)


async def test_a_missing_object_is_a_failure(
    objects: list[Path], console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox
) -> None:
    for path in objects:
        path.unlink()
    with pytest.raises(failures.CommandFailed, match="2 of 2 results are missing or differ"):
        await demo_report.compare(console, config, engine, sandbox)


async def test_a_result_that_was_never_stored_is_a_failure(
    objects: list[Path], console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox
) -> None:
    del objects
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM results WHERE path = 'output.images[0]'"))
    with pytest.raises(failures.CommandFailed, match="1 of 2 results are missing or differ"):
        await demo_report.compare(console, config, engine, sandbox)


async def test_a_result_that_nobody_served_is_a_failure(
    objects: list[Path], console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox
) -> None:
    del objects
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE results SET blob_id = 'stranger' WHERE path = 'output.images[0]'"))
    with pytest.raises(failures.CommandFailed, match=r"1 of 2 results .*, 1 were not expected: .*, stranger\."):
        await demo_report.compare(console, config, engine, sandbox)
