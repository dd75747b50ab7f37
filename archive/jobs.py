"""Civitai's jobs and their own documents, which hold what the workflow's does not: provider and scan context."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ARRAY, Text, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database, tables
from orchestration import wire
from orchestration.wire import JsonObject

_jobs = tables.jobs.c

Documents = Mapping[tuple[str, str], JsonObject | None]
"""By the ids of workflow and job; None: our token may not read it, or there is none, and it is not asked for again."""


_WITHOUT_DOCUMENT = (
    select(_jobs.workflow_id, _jobs.id)
    .where(
        _jobs.workflow_id == func.any(bindparam("of_workflows", type_=ARRAY(Text))),
        _jobs.document_at.is_(None),
        _jobs.refused_at.is_(None),
    )
    .order_by(_jobs.id)
)
_given = database.given(_jobs.workflow_id, _jobs.id, _jobs.provider, _jobs.document)
_SAVE = (
    update(tables.jobs)
    .where(_jobs.workflow_id == _given.c.workflow_id, _jobs.id == _given.c.id)
    .values(
        document=func.coalesce(_given.c.document, _jobs.document),
        provider=func.coalesce(_given.c.provider, _jobs.provider),
        document_at=case((_given.c.document.is_not(None), func.now()), else_=_jobs.document_at),
        refused_at=case((_given.c.document.is_(None), func.now()), else_=_jobs.refused_at),
    )
)


async def without_document(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """By workflow, the ids of the jobs whose own documents have neither been fetched nor refused."""
    missing: dict[str, list[str]] = {workflow_id: [] for workflow_id in workflow_ids}
    for workflow_id, job_id in await connection.execute(_WITHOUT_DOCUMENT, {"of_workflows": workflow_ids}):
        missing[workflow_id].append(job_id)
    return missing


async def save_documents(connection: AsyncConnection, documents: Documents) -> None:
    """Keep the jobs' own documents, and the providers that they name."""
    rows = [
        {"workflow_id": workflow_id, "id": job_id, "provider": _provider(document or {}), "document": document}
        for (workflow_id, job_id), document in documents.items()
    ]
    if rows:
        await connection.execute(_SAVE, {"rows": rows})


def _provider(document: JsonObject) -> str | None:
    last_event = document.get("lastEvent")
    return wire.text(last_event.get("provider")) if isinstance(last_event, dict) else None
