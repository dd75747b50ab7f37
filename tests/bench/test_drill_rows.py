from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import drill_rows


async def due(engine: AsyncEngine, *workflow_ids: str) -> None:
    async with engine.begin() as connection:
        for workflow_id in workflow_ids:
            row = """INSERT INTO workflows (id, origin, heard_at, due_at, deadline_at)
                     VALUES (:id, 'callback', now(), now() - interval '1 s', now() + interval '30 days')"""
            await connection.execute(text(row), {"id": workflow_id})


async def change(engine: AsyncEngine, workflow_id: str, changes: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE workflows SET {changes} WHERE id = :id"), {"id": workflow_id})  # noqa: S608


async def test_what_was_owed_has_gone_on_once_it_is_done_claimed_again_or_in_living_hands(engine: AsyncEngine) -> None:
    await due(engine, "done", "put off", "claimed", "held", "dead hands")
    for workflow_id in ("held", "dead hands"):
        await change(engine, workflow_id, "leased_until = now() + interval '14 s'")
    since, owed = datetime.now(UTC), await drill_rows.owed(engine)
    assert owed == dict.fromkeys(("done", "put off", "claimed", "held", "dead hands"), 0)
    assert await drill_rows.not_gone_on(engine, owed, since) == 5

    await change(engine, "done", "due_at = NULL")
    await change(engine, "put off", "due_at = now() + interval '1 minute'")
    await change(engine, "claimed", "attempts = attempts + 1, leased_until = now() + interval '15 s'")
    assert await drill_rows.not_gone_on(engine, owed, since) == 2

    # A heartbeat, which nobody but the living can give.
    await change(engine, "held", "leased_until = now() + interval '20 s'")
    assert await drill_rows.not_gone_on(engine, owed, since) == 1


async def test_time_that_passes_makes_due_what_was_put_off_and_nothing_that_is_done(engine: AsyncEngine) -> None:
    await due(engine, "done", "put off")
    await change(engine, "done", "due_at = NULL")
    await change(engine, "put off", "due_at = now() + interval '50 min', missing_at = now()")
    assert await drill_rows.is_idle(engine)
    assert await drill_rows.obliged(engine) == 1
    await drill_rows.let_pass(engine, timedelta(minutes=61))
    assert set(await drill_rows.owed(engine)) == {"put off"}
    async with engine.connect() as connection:
        query = text("SELECT now() - missing_at FROM workflows WHERE id = 'put off'")
        missing_for = (await connection.execute(query)).scalar_one()
    assert missing_for > timedelta(hours=1)
