"""Drift: what stands in documents and might be content, and cannot be read as such."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database, tables
from orchestration.results import Drift

_drift = tables.drift.c
_given = database.given(_drift.workflow_id, _drift.step, _drift.path, _drift.step_type, _drift.reason)
_ADD = (
    insert(tables.drift)
    .from_select([*(column.name for column in _given.c), "seen_at"], select(_given, func.now()))
    .on_conflict_do_nothing()
    .returning(_drift.path)
)


async def add(
    connection: AsyncConnection, workflow_id: str, seen: Sequence[Drift], step_types: Mapping[str, str | None]
) -> int:
    """Keep what was seen, each place once; how many are new. `step_types` says of what type each step is."""
    rows = [
        {
            "workflow_id": workflow_id,
            "step": one.step,
            "path": one.path,
            "step_type": step_types.get(one.step),
            "reason": one.reason,
        }
        for one in seen
    ]
    return len((await connection.execute(_ADD, {"rows": rows})).all())
