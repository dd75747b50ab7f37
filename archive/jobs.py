"""Civitai's jobs and their own documents, which hold what the workflow's does not: provider and scan context."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

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


async def save_documents(
    connection: AsyncConnection, workflow_id: str, documents: Mapping[str, JsonObject | None]
) -> None:
    """Keep the jobs' own documents, by id, and the providers that they name.

    None: our token may not read it, or Civitai has none; it is not asked for again.
    """
    known = {job_id: document for job_id, document in documents.items() if document is not None}
    if known:
        provider = func.coalesce(bindparam("named", type_=Text), _jobs.provider)
        facts = {"document": bindparam("told", type_=JSONB), "document_at": func.now(), "provider": provider}
        await connection.execute(
            update(tables.jobs).where(_jobs.workflow_id == workflow_id, _jobs.id == bindparam("job_id")).values(facts),
            [{"job_id": job_id, "told": told, "named": _provider(told)} for job_id, told in known.items()],
        )
    refused = [job_id for job_id in documents if job_id not in known]
    if refused:
        await connection.execute(
            update(tables.jobs)
            .where(_jobs.workflow_id == workflow_id, _jobs.id.in_(refused))
            .values(refused_at=func.now())
        )


def _provider(document: JsonObject) -> str | None:
    last_event = document.get("lastEvent")
    return wire.text(last_event.get("provider")) if isinstance(last_event, dict) else None
