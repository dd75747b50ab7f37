"""Civitai's jobs, and what only managers may list."""

from starlette.requests import Request
from starlette.responses import Response

from archive import catalogue
from gateway import choosing, forwarding, identifiers, parameters, showing
from gateway.choosing import Archived
from gateway.state import State
from orchestration.wire import JsonObject


async def get(request: Request[State]) -> Response:
    """Look at one job, with the context of its last event if `detailed`."""
    job_id = identifiers.of(request, "jobId")

    async def archived() -> Archived | None:
        async with showing.reading(request) as connection:
            document = await catalogue.job(connection, job_id)
        if document is None:
            return None

        async def show() -> Response:
            return showing.archived(document if parameters.DETAILED.of(request) else _plain(document))

        return Archived(show)

    path = f"/v1/consumer/jobs/{identifiers.segment_of(request, 'jobId')}"
    return await choosing.answer(request, archived, lambda: forwarding.relay(request, "get job", path))


async def query_of_managers(request: Request[State]) -> Response:
    """List the workflows of any user: Civitai alone can, if our token is a manager's."""
    return await forwarding.relay(request, "list a user's workflows", "/v1/manager/workflows")


def _plain(document: JsonObject) -> JsonObject:
    last_event = document.get("lastEvent")
    if not isinstance(last_event, dict):
        return document
    return document | {"lastEvent": {key: value for key, value in last_event.items() if key != "context"}}
