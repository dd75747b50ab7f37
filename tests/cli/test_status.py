from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli import commands
from tests.worker import rows


async def status(environment: dict[str, str]) -> commands.Done:
    return await commands.run("status", environment=environment)


async def test_an_archive_that_owes_nothing_is_healthy(servers: dict[str, str], engine: AsyncEngine) -> None:
    await rows.tell(engine, "w")
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, archived_at = now()")
    done = await status(servers)
    assert (done.code, done.err) == (0, "")
    assert "healthy" in done.out
    assert "archived             1" in done.out
    assert "last callback        0 s ago" in done.out or "last callback        1 s ago" in done.out


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
