"""The steps and jobs of a workflow, as the API's document describes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import database, tables
from orchestration import documents, results


def _upsert(table: Table, *replaced: str, greater: Sequence[str] = ()) -> Insert:
    """Insert the rows given with these columns. What a document says replaces what is there; what it does not say
    leaves it.

    Of the `greater` columns the greater value stays, as among callbacks, so that no order matters.
    """
    names = [*(column.name for column in table.primary_key), *replaced, *greater]
    row = insert(table).from_select(names, select(database.given(*(table.c[name] for name in names))))
    changed: dict[str, ColumnElement[Any]] = {
        name: func.coalesce(row.excluded[name], table.c[name]) for name in replaced
    }
    changed |= {name: func.greatest(row.excluded[name].collate("C"), table.c[name].collate("C")) for name in greater}
    return row.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


_SAVE_STEPS = _upsert(
    tables.steps, "position", "type", "engine", "status", "started_at", "completed_at", "cost", "input", "output"
)
_SAVE_JOBS = _upsert(
    tables.jobs,
    "step_name",
    "status",
    "provider",
    "started_at",
    "completed_at",
    greater=("reason", "blocked_reason"),  # which some documents carry after all
)


async def save(connection: AsyncConnection, workflow_id: str, workflow: documents.Workflow) -> None:
    """Write every step and job of the document. What callbacks told of a job is another hand's, and stays."""
    await save_each(connection, {workflow_id: workflow})


async def save_each(connection: AsyncConnection, workflows: Mapping[str, documents.Workflow]) -> None:
    """The same for several workflows, by id."""
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
        for workflow_id, workflow in workflows.items()
        for step in workflow.steps
    ]
    # By id, since no row can be inserted twice by one statement: of a job that is named twice the last word counts.
    jobs = {
        (workflow_id, job.id): {
            "workflow_id": workflow_id,
            "id": job.id,
            "step_name": step.name,
            "status": job.status,
            "provider": job.provider,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "reason": job.reason,
            "blocked_reason": job.blocked_reason,
        }
        for workflow_id, workflow in workflows.items()
        for step in workflow.steps
        for job in step.jobs
    }
    if steps:
        await connection.execute(_SAVE_STEPS, {"rows": steps})
    if jobs:
        await connection.execute(_SAVE_JOBS, {"rows": list(jobs.values())})
