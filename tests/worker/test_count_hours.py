"""The scheduled counting: as far as its time allows, the newest first, and the rest at the next run."""

import math
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive.factories import rows, told, workflow_event
from worker import count_hours

COUNTED = "SELECT hour FROM hours WHERE counted_at IS NOT NULL ORDER BY hour"


async def a_day_of_history(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("wf", "succeeded"))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE workflows SET created_at = now() - interval '24 hours'")


async def test_a_run_that_has_no_time_counts_the_newest_hour_and_leaves_the_others(engine: AsyncEngine) -> None:
    await a_day_of_history(engine)
    await count_hours.count_hours(engine, seconds_at_most=0)
    ((hour,),) = await rows(engine, COUNTED)
    assert datetime.now(UTC) - hour < timedelta(hours=2)


async def test_a_run_with_time_counts_them_all(engine: AsyncEngine) -> None:
    await a_day_of_history(engine)
    await count_hours.count_hours(engine, seconds_at_most=math.inf)
    assert 25 <= len(await rows(engine, COUNTED)) <= 26
    assert await rows(engine, "SELECT events FROM callback_hours") == [(1,)]


async def test_an_archive_in_which_nothing_has_happened_has_nothing_to_count(engine: AsyncEngine) -> None:
    await count_hours.count_hours(engine)
    assert await rows(engine, "SELECT * FROM hours") == []
