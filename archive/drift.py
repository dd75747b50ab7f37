"""Drift: what stands in documents and might be content, and cannot be read as such."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from orchestration.results import Drift


async def add(
    connection: AsyncConnection, workflow_id: str, seen: Sequence[Drift], step_types: Mapping[str, str | None]
) -> None:
    """Keep what was seen, each place once; `step_types` says of what type each step is."""
    if not seen:
        return
    await connection.execute(
        insert(tables.drift).values(seen_at=func.now()).on_conflict_do_nothing(),
        [
            {
                "workflow_id": workflow_id,
                "step": one.step,
                "path": one.path,
                "step_type": step_types.get(one.step),
                "reason": one.reason,
            }
            for one in seen
        ],
    )
