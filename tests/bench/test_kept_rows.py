"""Dumps: a row that is missing, new or different is found, whatever does not count set aside."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import kept_rows
from tests.archive.factories import due_workflow


async def test_what_differs_between_two_dumps_is_told_by_its_table(engine: AsyncEngine) -> None:
    await due_workflow(engine, "w")
    before = await kept_rows.dump(engine)
    assert kept_rows.differing(before, before) == []
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET attempts = 7, due_at = NULL"))
    assert kept_rows.differing(before, await kept_rows.dump(engine)) == []
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET status = 'failed'"))
        await connection.execute(text("DELETE FROM events"))
    told = kept_rows.differing(before, await kept_rows.dump(engine))
    assert [sentence.split(": {")[0] for sentence in told] == [
        "workflows: only before",
        "workflows: only after",
        "events: only before",
    ]
