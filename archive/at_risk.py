"""What Civitai forgets within a week and is not safe yet: the view `ops.at_risk`, nearest deadline first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True)
class AtRisk:
    """One workflow. `status` is the API's, else the callbacks'; `last_error` says what is in the way."""

    workflow_id: str
    deadline_at: datetime
    status: str | None
    pending_results: int
    due_at: datetime
    failures: int
    last_error: str | None


_NEAREST = text(
    """
    SELECT workflow_id, deadline_at, status, pending_results, due_at, failures, last_error
    FROM ops.at_risk ORDER BY deadline_at, workflow_id LIMIT :take
    """
)


async def nearest(connection: AsyncConnection, *, take: int) -> Sequence[AtRisk]:
    """At most so many of them."""
    return [AtRisk(*row) for row in await connection.execute(_NEAREST, {"take": take})]
