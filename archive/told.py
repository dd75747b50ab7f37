"""Ephemeral workflows: Civitai stores none of them, so what a callback told is the only copy there will ever be."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import events, tables
from orchestration import statuses
from orchestration.wire import JsonObject

_events = tables.events.c


async def document(connection: AsyncConnection, workflow_id: str) -> JsonObject | None:
    """The workflow as detailed callbacks told it, in the shape of a document; None if none told of an end.

    The last callback of the workflow's own end says everything. Where that one was lost, there is what was told of the
    ends of steps, and a workflow that is still `processing` for all we know.
    """
    details = events.told_json()["details"]
    query = (
        select(_events.scope, _events.status, _events.step_name, details)
        .where(_events.workflow_id == workflow_id, _events.scope.in_(("workflow", "step")), details.is_not(None))
        .order_by(_events.occurred_at.desc().nulls_last(), _events.id.desc())
    )
    steps: dict[str | None, JsonObject] = {}
    for scope, status, name, told in await connection.execute(query):
        if not statuses.is_terminal(status) or not isinstance(told, dict):
            continue
        if scope == "step":
            steps.setdefault(name, {**told, "name": name, "status": status})
        elif "steps" in told:
            return {**told, "id": workflow_id, "status": status}
    if not steps:
        return None
    return {"id": workflow_id, "status": "processing", "steps": list(reversed(steps.values()))}
