"""Count by the hour what dashboards show: new hours at every run, older ones when something of them has changed."""

import time

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import hours

SECONDS_AT_MOST = 12.0
"""Of one run: an old archive's history is counted over several."""

log = structlog.get_logger()


async def count_hours(engine: AsyncEngine, *, seconds_at_most: float = SECONDS_AT_MOST) -> None:
    """Count what is due, newest first, as far as the time allows; nothing while another worker does."""
    until = time.monotonic() + seconds_at_most
    async with engine.begin() as connection:
        await hours.add_missing(connection)
        due = await hours.due(connection)
    for done, hour in enumerate(due, start=1):
        async with engine.begin() as connection:
            if not await hours.count(connection, hour):
                return
        if done < len(due) and time.monotonic() > until:
            log.info("hours are left to be counted", left=len(due) - done)
            return
