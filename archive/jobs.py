"""Civitai's jobs and their own documents, which hold what the workflow's does not: provider and scan context."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import tables
from orchestration import wire
from orchestration.wire import JsonObject

_jobs = tables.jobs.c


async def without_document(connection: AsyncConnection, workflow_id: str) -> Sequence[str]:
    """The ids of the jobs whose own documents have neither been fetched nor refused."""
    query = (
        select(_jobs.id)
        .where(_jobs.workflow_id == workflow_id, _jobs.document_at.is_(None), _jobs.refused_at.is_(None))
        .order_by(_jobs.id)
    )
    return (await connection.execute(query)).scalars().all()


async def save_document(connection: AsyncConnection, workflow_id: str, job_id: str, document: JsonObject) -> None:
    """Keep a job's own document, and the provider that it names."""
    last_event = document.get("lastEvent")
    provider = wire.text(last_event.get("provider")) if isinstance(last_event, dict) else None
    facts = {
        "document": document,
        "document_at": func.now(),
        "provider": func.coalesce(provider, _jobs.provider),
    }
    await connection.execute(update(tables.jobs).where(*_is(workflow_id, job_id)).values(facts))


async def refuse_document(connection: AsyncConnection, workflow_id: str, job_id: str) -> None:
    """Our token may not read it, or Civitai has none: it is not asked for again."""
    await connection.execute(update(tables.jobs).where(*_is(workflow_id, job_id)).values(refused_at=func.now()))


def _is(workflow_id: str, job_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _jobs.workflow_id == workflow_id, _jobs.id == job_id
