"""The steps and jobs of a workflow, as the API's document describes them."""

from collections.abc import Sequence

from sqlalchemy import Table, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import tables
from orchestration import documents, results


async def save(connection: AsyncConnection, workflow_id: str, workflow: documents.Workflow) -> None:
    """Write every step and job of the document. What callbacks told of a job is another hand's, and stays."""
    steps = [
        {
            "workflow_id": workflow_id,
            "name": step.name,
            "position": step.position,
            "type": step.type,
            "engine": step.engine,
            "status": step.status,
            "started_at": step.started_at,
            "completed_at": step.completed_at,
            "cost": step.cost,
            "input": step.input,
            "output": results.without_blobs(step.output),
        }
        for step in workflow.steps
    ]
    jobs = [
        {
            "workflow_id": workflow_id,
            "id": job.id,
            "step_name": step.name,
            "status": job.status,
            "provider": job.provider,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
        }
        for step in workflow.steps
        for job in step.jobs
    ]
    if steps:
        row = insert(tables.steps)
        replaced = _replaced(tables.steps, row, [name for name in steps[0] if name not in ("workflow_id", "name")])
        await connection.execute(
            row.on_conflict_do_update(index_elements=["workflow_id", "name"], set_=replaced), steps
        )
    if jobs:
        row = insert(tables.jobs)
        replaced = _replaced(tables.jobs, row, [name for name in jobs[0] if name not in ("workflow_id", "id")])
        await connection.execute(row.on_conflict_do_update(index_elements=["workflow_id", "id"], set_=replaced), jobs)


def _replaced(table: Table, row: Insert, names: Sequence[str]) -> dict[str, ColumnElement[object]]:
    """What a document says replaces what is there; what it does not say leaves it."""
    return {name: func.coalesce(row.excluded[name], table.c[name]) for name in names}
