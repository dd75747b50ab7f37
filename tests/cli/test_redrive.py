from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli import commands
from tests.worker import rows


async def dead_workflows(engine: AsyncEngine, count: int) -> None:
    await rows.record(engine, *({"workflowId": f"w{number}", "status": "succeeded"} for number in range(count)))
    await rows.execute(engine, "UPDATE workflows SET due_at = NULL, dead_at = now(), last_error = 'HTTP 400'")


async def due(engine: AsyncEngine) -> int:
    return len(await rows.select(engine, "SELECT id FROM workflows WHERE due_at <= now()"))


async def test_what_is_dead_is_counted_and_then_made_due(servers: dict[str, str], engine: AsyncEngine) -> None:
    await dead_workflows(engine, 3)
    chosen = ("redrive", "--dead", "--since", "2026-01-01", "--reason", "http 4")
    done = await commands.run(*chosen, "--dry-run", environment=servers)
    assert (done.code, done.out) == (0, "3 workflows, and 0 results not stored so far: would be due again.\n")
    assert await due(engine) == 0
    done = await commands.run(*chosen, environment=servers)
    assert done.out == "3 workflows, and 0 results not stored so far: due again, and tried when a worker is free.\n"
    assert await due(engine) == 3
    done = await commands.run(*chosen, environment=servers)
    assert (done.code, done.out[:12]) == (0, "0 workflows,")


async def test_one_workflow_is_redriven_by_its_id(servers: dict[str, str], engine: AsyncEngine) -> None:
    await dead_workflows(engine, 2)
    done = await commands.run("redrive", "--workflow", "w1", environment=servers)
    assert done.out.startswith("1 workflow, and 0 results")
    assert await due(engine) == 1


async def test_what_there_is_not_is_not_found(servers: dict[str, str]) -> None:
    for option in ("--workflow", "--blob"):
        (await commands.run("redrive", option, "nobody", environment=servers)).assert_failed(4, "nothing of 'nobody'")


async def test_a_wish_for_everything_and_a_date_that_is_none_are_usage(servers: dict[str, str]) -> None:
    (await commands.run("redrive", environment=servers)).assert_failed(2, "say what to redrive: --workflow ID")
    done = await commands.run("redrive", "--since", "yesterday", environment=servers)
    assert (done.code, "'yesterday' is no date or time" in done.err) == (2, True)
