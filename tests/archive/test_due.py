"""What is due, in the order in which it is rung for."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, due
from tests.archive.factories import claimed_workflow, due_workflow, rows, take


async def test_the_overdue_come_nearest_deadline_first_and_no_more_than_asked_for(engine: AsyncEngine) -> None:
    for days, workflow_id in ((3, "third"), (1, "first"), (2, "second"), (0, "held"), (0, "later"), (0, "young")):
        await due_workflow(engine, workflow_id)
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE workflows SET due_at = now() - interval '1 min', deadline_at = now() + :d WHERE id = :id"),
                {"id": workflow_id, "d": timedelta(days=days)},
            )
    async with engine.begin() as connection:
        for change in (
            "leased_until = now() + interval '1 min' WHERE id = 'held'",
            "due_at = now() + interval '1 min' WHERE id = 'later'",
            "due_at = now() - interval '1 s' WHERE id = 'young'",
        ):
            await connection.execute(text(f"UPDATE workflows SET {change}"))  # noqa: S608 - from the list above
        for limit in (2, 10):
            ids = await due.live(connection, limit, unanswered=timedelta(seconds=10))
            assert ids == ["first", "second", "third"][:limit]
        assert await due.live(connection, 1, unanswered=timedelta()) == ["young"]


async def test_what_is_owed_again_is_due_at_once_and_overtakes_its_holder(engine: AsyncEngine) -> None:
    holder = await claimed_workflow(engine)
    other = await claimed_workflow(engine, "other")
    async with engine.begin() as connection:
        await due.owe(connection, ["wf"])
        assert await rows(connection, "SELECT id FROM workflows WHERE due_at <= now() AND leased_until IS NULL") == [
            ("wf",)
        ]
        with pytest.raises(claims.Overtaken):
            await claims.hold(connection, holder)
        await claims.hold(connection, other)
        assert await take(connection, "wf") is not None
