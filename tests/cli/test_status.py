import json
import re
import signal
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli import commands
from tests.worker import rows


async def status(environment: dict[str, str], *options: str) -> commands.Done:
    return await commands.run("status", *options, environment=environment)


async def test_an_archive_that_owes_nothing_is_healthy(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
    done = await status(servers)
    assert (done.code, done.err) == (0, "")
    assert "healthy" in done.out
    assert "archived             1" in done.out
    assert re.search(r"last callback +\d+ s ago", done.out)


async def test_what_is_due_for_long_says_that_no_worker_works(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = now() - interval '2 hours'")
    done = await status(servers)
    done.assert_failed(1, "is a worker running?")
    assert "due for              2 h" in done.out


async def test_a_refused_token_is_the_first_thing_that_is_said(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.execute(
        engine,
        "INSERT INTO pauses VALUES ('credentials', now(), now() + interval '1 minute', 'Civitai refused the token'), "
        "('jobs', now(), now() + interval '1 hour', 'no business of this command')",
    )
    done = await status(servers)
    done.assert_failed(1, r"paused \(credentials\) until .* UTC: Civitai refused the token$")


async def test_what_is_dead_is_named(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, dead_at = now(), last_error = 'no'")
    (await status(servers)).assert_failed(1, "1 dead")


async def test_a_result_that_is_dead_in_an_archived_workflow_is_named(
    servers: dict[str, str], engine: AsyncEngine
) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
    await rows.execute(
        engine,
        "INSERT INTO results (workflow_id, step, path, role, next_attempt_at, dead_at, last_error) "
        "VALUES ('w', 's', 'output.image', 'result', now(), now(), 'no')",
    )
    (await status(servers)).assert_failed(1, "1 results dead")


async def test_drift_is_shown_and_is_no_fault(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
    await rows.execute(engine, "INSERT INTO drift VALUES ('w', 's', 'output.hologram', 'holoGen', 'new', now())")
    done = await status(servers)
    assert done.code == 0
    assert "drift                1" in done.out


async def test_programs_get_the_same_as_json(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, dead_at = now(), last_error = 'HTTP 400 (w)'")
    done = await status(servers, "--json")
    told = json.loads(done.out)
    assert (done.code, told["healthy"], len(told["faults"])) == (1, False, 1)
    assert told["dead_by_reason"] == [{"reason": "HTTP 400", "workflows": 1, "results": 0}]
    assert told["storage"]["fault"] is None
    assert told["last_callback_at"].endswith("+00:00")


async def test_a_storage_that_cannot_be_used_is_a_fault(
    servers: dict[str, str], engine: AsyncEngine, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    elsewhere = servers | {"STORAGE_URL": mounted.as_uri()}
    mark = "INSERT INTO storage_markers (id, chosen_at, seen_at) VALUES ('an id', now(), now())"
    await rows.execute(engine, mark)
    (await status(elsewhere)).assert_failed(1, "The storage at .*/mounted is empty: mount its volume")
    mounted.mkdir()
    (mounted / "civitai-archive.json").write_text('{"format": "civitai-archive/storage/1", "id": "another"}')
    (await status(elsewhere)).assert_failed(1, "belongs to another archive")
    (mounted / "civitai-archive.json").write_text('{"format": "civitai-archive/storage/1", "id": "an id"}')
    done = await status(elsewhere)
    assert (done.code, "mounted, reachable" in done.out) == (0, True)


async def test_what_lies_in_the_spool_is_shown(servers: dict[str, str]) -> None:
    spool = Path(servers["ARCHIVE_HOME"]) / "spool"
    spool.mkdir(parents=True)
    (spool / "1-1-aa.spool").write_bytes(bytes(1500))
    done = await status(servers)
    assert (done.code, "spool                1 files, 1.5 kB" in done.out) == (0, True)


async def test_a_watch_goes_on_until_ctrl_c_and_ends_well(servers: dict[str, str]) -> None:
    async with commands.started("status", "--watch", environment=servers) as watching:
        await watching.says("healthy")
        watching.send(signal.SIGINT)
        assert await watching.ends() == 0
        assert "Traceback" not in watching.said()


async def test_a_watch_outlives_a_database_that_is_away(servers: dict[str, str]) -> None:
    nowhere = servers | {"DATABASE_URL": "postgresql://archive@127.0.0.1:1/archive"}
    async with commands.started("status", "--watch", "--json", environment=nowhere) as watching:
        await watching.says("PostgreSQL does not answer")
        assert watching.process.returncode is None
        watching.send(signal.SIGINT)
        assert await watching.ends() == 0
    first = json.loads(watching.said().splitlines()[0])
    assert first["healthy"] is False


async def test_a_watch_whose_reader_has_gone_is_no_drama(servers: dict[str, str]) -> None:
    script = f'"{commands.CIVITAI_ARCHIVE}" status --watch --json | head -n 1'
    done = await commands.run("-c", script, environment=servers, program=Path("/bin/sh"))
    assert json.loads(done.out)["healthy"] is True
    assert done.err == ""
