"""What changes a workflow goes to Civitai as it is; what is kept of it is no longer current then."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from archive import database, submissions
from gateway import bodies, forwarding, identifiers
from gateway.state import State
from gateway.workflows import WORKFLOWS

log = structlog.get_logger()


async def change_workflow(request: Request[State]) -> Response:
    """PUT, PATCH, DELETE of a workflow."""
    return await _change(request, "")


async def change_step(request: Request[State]) -> Response:
    """PUT, PATCH of a step."""
    return await _change(request, f"/steps/{identifiers.segment_of(request, 'stepName')}")


async def change_tags(request: Request[State]) -> Response:
    """POST of a tag, DELETE of all."""
    return await _change(request, "/tags")


async def remove_tag(request: Request[State]) -> Response:
    """DELETE of one tag."""
    return await _change(request, f"/tags/{identifiers.segment_of(request, 'tag')}")


async def _change(request: Request[State], below: str) -> Response:
    path = f"{WORKFLOWS}/{identifiers.segment_of(request, 'workflowId')}{below}"
    response = await forwarding.relay(request, "change workflow", path, body=await bodies.read(request))
    if response.status_code < 300:
        try:
            async with request.state["engine"].connect() as connection:
                await submissions.note_change(connection, identifiers.of(request, "workflowId"))
        except Exception as error:
            if not database.is_unavailable(error):
                raise
            log.error("a change will be seen in the archive late", error=repr(error))
    return response
