"""How the archive is doing, in a few figures and one query."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOOK = text(
    """
    SELECT count(*) FILTER (WHERE due_at <= now() AND coalesce(leased_until < now(), true)) AS due,
           count(*) FILTER (WHERE leased_until >= now()) AS leased,
           count(*) FILTER (WHERE archived_at IS NOT NULL) AS archived,
           count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
           min(due_at) FILTER (WHERE due_at <= now()) AS oldest_due_at,
           min(deadline_at) FILTER (WHERE due_at IS NOT NULL AND archived_at IS NULL) AS nearest_deadline_at,
           (SELECT max(last_received_at) FROM events) AS last_callback_at,
           (SELECT count(*) FROM results WHERE dead_at IS NOT NULL) AS dead_results,
           (SELECT count(*) FROM drift) AS drift
    FROM workflows
    """
)


@dataclass(frozen=True)
class Status:
    """Counts of workflows, and the moments that tell whether they move; of results given up, and of drift."""

    due: int
    leased: int
    archived: int
    dead: int
    oldest_due_at: datetime | None
    nearest_deadline_at: datetime | None
    last_callback_at: datetime | None
    dead_results: int
    drift: int


async def look(connection: AsyncConnection) -> Status:
    """Count."""
    return Status(*(await connection.execute(_LOOK)).one())
