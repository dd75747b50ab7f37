"""What a drill reads from an archive's rows, and where it moves their times so that hours and days pass."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims

_OWED = "SELECT id, attempts FROM workflows WHERE due_at <= now() OR leased_until > now()"

_WANTED = """
SELECT count(*) FROM workflows WHERE due_at IS NOT NULL OR EXISTS (
    SELECT FROM results WHERE workflow_id = workflows.id AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0)
"""

_NOT_GONE_ON = """
SELECT count(*)
FROM unnest(CAST(:ids AS text[]), CAST(:attempts AS integer[])) AS before (id, attempts)
JOIN workflows USING (id)
WHERE workflows.attempts = before.attempts AND due_at <= now()
  AND (leased_until IS NULL OR leased_until <= :dead_leases_end)
"""
"""A lease that ends later than any that was given before the kill is renewed by somebody who lives."""

_LET_TIME_PASS = (
    "UPDATE pauses SET until = until - CAST(:time AS interval)",
    """
    UPDATE results SET missing_at = missing_at - CAST(:time AS interval),
                       url_expires_at = url_expires_at - CAST(:time AS interval),
                       next_attempt_at = least(next_attempt_at, now())
    WHERE num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0
    """,
    """
    UPDATE workflows SET missing_at = missing_at - CAST(:time AS interval), due_at = now(),
                         deadline_at = deadline_at - CAST(:time AS interval)
    WHERE due_at IS NOT NULL AND (leased_until IS NULL OR leased_until < now())
    """,
)


Owed = Mapping[str, int]
"""What was due or under way at some moment: each workflow, and how often it had been claimed."""


async def owed(engine: AsyncEngine) -> Owed:
    """What is due or under way now."""
    async with engine.connect() as connection:
        rows = await connection.execute(text(_OWED))
        return {row.id: row.attempts for row in rows}


async def not_gone_on(engine: AsyncEngine, before: Owed, since: datetime) -> int:
    """How much of what was owed at `since` has neither been done, nor claimed again, nor is in living hands."""
    parameters = {
        "ids": list(before),
        "attempts": list(before.values()),
        "dead_leases_end": since + claims.LEASE + timedelta(seconds=0.5),
    }
    async with engine.connect() as connection:
        return int((await connection.execute(text(_NOT_GONE_ON), parameters)).scalar_one())


async def is_idle(engine: AsyncEngine) -> bool:
    """Whether nothing is due or under way."""
    return not await owed(engine)


async def obliged(engine: AsyncEngine) -> int:
    """Workflows of which something is still wanted, now or later."""
    async with engine.connect() as connection:
        return int((await connection.execute(text(_WANTED))).scalar_one())


async def let_pass(engine: AsyncEngine, time: timedelta) -> None:
    """Move every time that is waited for into the past, as if so much had passed for the archive."""
    async with engine.begin() as connection:
        for statement in _LET_TIME_PASS:
            await connection.execute(text(statement), {"time": time})
