"""`/v2/consumer/workflows/{id}/tags`: one tag more, one less, or none left. Each answers 204."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox import bodies, state, subjects, submission


class Tags:
    """The calls about tags."""

    def __init__(self, memory: state.State) -> None:
        self._state = memory

    async def add(self, request: Request) -> Response:
        """POST of a JSON string: the workflow has this tag from now on, once."""
        tag = await bodies.read(request)
        workflow = subjects.workflow(self._state, request)
        workflow.tags = submission.tags(workflow.tags if tag in workflow.tags else [*workflow.tags, tag])
        return Response(status_code=204)

    async def remove(self, request: Request) -> Response:
        """DELETE of one: the workflow does not have this tag any more, if it ever had."""
        workflow = subjects.workflow(self._state, request)
        workflow.tags = [tag for tag in workflow.tags if tag != request.path_params["tag"]]
        return Response(status_code=204)

    async def clear(self, request: Request) -> Response:
        """DELETE: the workflow has no tags any more."""
        subjects.workflow(self._state, request).tags = []
        return Response(status_code=204)
