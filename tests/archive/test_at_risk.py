"""What is in danger is listed, and the nearest deadline first."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import at_risk
from tests.archive.factories import due_workflow
from tests.worker import rows


async def test_the_nearest_deadline_comes_first_and_what_has_time_is_left_out(engine: AsyncEngine) -> None:
    for workflow_id, days in (("second", 2), ("far", 20), ("first", 1)):
        await due_workflow(engine, workflow_id)
        await rows.execute(
            engine,
            "UPDATE workflows SET deadline_at = now() + make_interval(days => :days), last_error = 'away' "
            "WHERE id = :id",
            days=days,
            id=workflow_id,
        )
    async with engine.connect() as connection:
        listed = await at_risk.nearest(connection, take=10)
        assert [(one.workflow_id, one.last_error) for one in listed] == [("first", "away"), ("second", "away")]
        assert [one.workflow_id for one in await at_risk.nearest(connection, take=1)] == ["first"]
