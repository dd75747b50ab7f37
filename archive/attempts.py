"""Failed tries, kept as history: what was tried, when, and what came of it."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from orchestration import wire


async def add(
    connection: AsyncConnection,
    workflow_id: str,
    *,
    began_at: datetime,
    seconds: float,
    error: str,
    http_status: int | None,
    step: str | None = None,
    path: str | None = None,
) -> None:
    """Keep one failed try, at the workflow itself or at its result in `step` at `path`."""
    await connection.execute(
        insert(tables.attempts).values(
            workflow_id=workflow_id,
            step=step,
            path=path,
            attempted_at=began_at,
            seconds=seconds,
            http_status=http_status,
            error=wire.storable(error),
        )
    )
