"""Attempts: a failed try is a row, and stays one."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import attempts
from tests.archive.factories import due_workflow, rows


async def test_a_failed_try_is_kept_with_what_came_of_it(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    began_at = datetime(2026, 11, 22, 5, tzinfo=UTC)
    async with engine.begin() as connection:
        await attempts.add(
            connection, "wf", began_at=began_at, seconds=1.5, error="b\x00d", http_status=503, step="s", path="output.x"
        )
        await attempts.add(connection, "wf", began_at=began_at, seconds=0, error="no answer", http_status=None)
    query = "SELECT step, path, attempted_at, seconds, http_status, error FROM attempts ORDER BY id"
    assert await rows(engine, query) == [
        ("s", "output.x", began_at, 1.5, 503, "b\ufffdd"),
        (None, None, began_at, 0.0, None, "no answer"),
    ]


async def test_the_same_failure_twice_is_two_rows(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    async with engine.begin() as connection:
        for _ in range(2):
            await attempts.add(
                connection, "wf", began_at=datetime(2026, 11, 22, tzinfo=UTC), seconds=1, error="no", http_status=None
            )
    assert await rows(engine, "SELECT count(*) FROM attempts") == [(2,)]
