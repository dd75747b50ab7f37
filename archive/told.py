"""Ephemeral workflows: Civitai stores none of them, so what a callback told is the only copy there will ever be."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from orchestration import statuses
from orchestration.wire import JsonObject

_events = tables.events.c


async def document(connection: AsyncConnection, workflow_id: str) -> JsonObject | None:
    """The workflow as its last detailed callback told it, in the shape of a document; None if none told its end."""
    details = _events.projection["details"]
    query = (
        select(_events.status, details)
        .where(_events.workflow_id == workflow_id, _events.scope == "workflow", details["steps"].is_not(None))
        .order_by(_events.occurred_at.desc().nulls_last(), _events.id.desc())
    )
    for status, told in await connection.execute(query):
        if statuses.is_terminal(status) and isinstance(told, dict):
            return {**told, "id": workflow_id, "status": status}
    return None
