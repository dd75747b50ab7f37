"""What a person sees: progress as it goes, screens that are redrawn in place, and an end without rubbish."""

import re
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import QueryParams

from orchestration.wire import JsonObject
from sandbox.server import Sandbox
from tests.cli import asking, terminals
from tests.worker import civitai, rows
from tests.worker.listing import Listing, workflows

pytestmark = terminals.needs_tmux


async def test_a_download_shows_how_far_it_is(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox, size=20_000_000, faults={"hang": {"times": 1, "seconds": 5}})
    words = ("results", workflow["id"], "--download", "--dir", "files")
    async with terminals.running(*words, environment=alone | account, directory=tmp_path) as terminal:
        await terminal.shows(rf"{workflow['id']}_step_images_0 .*\d\.\d/20\.0 MB(?s:.*)^files .* [01]/2$")
        screen = await terminal.shows(r"^exit code 0$")
    assert "MB" not in screen
    assert "files/" in screen
    assert "Traceback" not in screen


async def test_ctrl_c_ends_a_download_cleanly_and_leaves_what_can_go_on(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox, size=20_000_000, faults={"hang": {"times": None, "seconds": 25}})
    words = ("results", workflow["id"], "--download", "--dir", "files")
    async with terminals.running(*words, environment=alone | account, directory=tmp_path) as terminal:
        await terminal.shows(r"\d+\.\d/20\.0 MB")
        await terminal.press("C-c")
        screen = await terminal.shows(r"^exit code 130$")
    assert "Traceback" not in screen
    assert [path.suffix for path in (tmp_path / "files").glob(".*.part")] == [".part"]


async def test_waiting_shows_a_line_that_is_written_over(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox)
    sandbox.state.workflows[workflow["id"]].status = "processing"
    words = ("workflow", workflow["id"], "--json", "--wait", "300")
    async with terminals.running(*words, environment=alone | account, directory=tmp_path) as terminal:
        await terminal.shows(rf"^{workflow['id']} is processing after \d+ s …")
        await terminal.press("C-c")
        screen = await terminal.shows(r"exit code 130$")
    assert "Traceback" not in screen


async def test_status_is_redrawn_in_place_until_ctrl_c(
    servers: dict[str, str], engine: AsyncEngine, tmp_path: Path
) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
    async with terminals.running("status", "--watch", environment=servers, directory=tmp_path) as terminal:
        await terminal.shows(r"archived +1$")
        await rows.tell(engine, "x")
        await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
        screen = await terminal.shows(r"archived +2$")
        assert len(re.findall(r"^archived ", screen, re.MULTILINE)) == 1
        await terminal.press("C-c")
        screen = await terminal.shows(r"^exit code \d+$")
    assert "Traceback" not in screen


async def test_a_backfill_shows_how_far_it_is(servers: dict[str, str], tmp_path: Path) -> None:
    call, pages = "GET /v2/consumer/workflows", Listing(workflows(350, days=7))
    async with civitai.running() as other:

        def hold_the_third(query: QueryParams) -> JsonObject | int:
            if query.get("cursor") == "200":
                other.gate(call)
            return pages(query)

        other.listing = hold_the_third
        environment = servers | {"CIVITAI_API_TOKEN": "a-token", "CIVITAI_API_URL": other.api_url}
        async with terminals.running("backfill", environment=environment, directory=tmp_path) as terminal:
            await terminal.shows(r"^backfill .* \d+% 200 listed, 200 new, [\d,]+/s")
            other.gates[call].opened.set()
            screen = await terminal.shows(r"^exit code 0$")
    assert "350 workflows listed; 350 of them never heard of" in screen
    assert "200 listed" not in screen


async def test_a_table_is_folded_to_a_narrow_terminal_without_colours(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox)
    environment = alone | account | {"NO_COLOR": "1"}
    words = ("results", workflow["id"])
    async with terminals.running(*words, environment=environment, directory=tmp_path, columns=60) as terminal:
        screen = await terminal.shows(r"exit code 0$")
    assert "output.imag" in screen
    assert all(len(line) <= 60 for line in screen.splitlines())
