"""What passes through the gateway obliges us: a submission is to be archived, a change to be seen.

Either way the row says it, and a worker finds it within seconds.
"""

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import due, tables, workflows

_workflows = tables.workflows.c


async def hear(connection: AsyncConnection, workflow_id: str) -> None:
    """A workflow was submitted: follow it, whether or not its callbacks reach us."""
    row = insert(tables.workflows).values(
        id=workflow_id,
        origin="submit",
        heard_at=func.now(),
        due_at=func.now(),
        deadline_at=func.now() + workflows.RETENTION,
    )
    await connection.execute(row.on_conflict_do_nothing())


async def note_change(connection: AsyncConnection, workflow_id: str) -> None:
    """A workflow was changed at Civitai: what is kept of it is no longer current.

    Whoever holds it may have fetched it before the change, and is overtaken; what has not been archived is fetched
    again anyway.
    """
    await connection.execute(
        update(tables.workflows)
        .where(_workflows.id == workflow_id, _workflows.archived_at.is_not(None))
        .values(due.NOW)
    )
