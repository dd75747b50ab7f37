"""Changes to what was submitted: PUT, PATCH and DELETE of a workflow, PUT and PATCH of a step. Each answers 204.

How a workflow is played was decided when it was submitted: what is put into its `metadata` later changes nothing there.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox import bodies, json_patch, problems, runs, state, subjects, submission


class Updates:
    """Cancels, renames and removes."""

    def __init__(self, memory: state.State, playing: runs.Runs) -> None:
        self._state, self._runs = memory, playing

    async def put(self, request: Request) -> Response:
        """PUT: `status` (`canceled`), `metadata`, `tags`, `allowMatureContent`; what is absent or null stays."""
        changes = await bodies.read_object(request)
        given = {key: value for key, value in changes.items() if value is not None}
        self._change(subjects.workflow(self._state, request), given)
        return Response(status_code=204)

    async def patch(self, request: Request) -> Response:
        """PATCH: a JSON Patch of the fields that PUT takes."""
        operations = await bodies.read(request)
        workflow = subjects.workflow(self._state, request)
        before = _editable(workflow)
        patched = _patched(before, operations)
        self._change(workflow, {key: value for key, value in patched.items() if value != before[key]})
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        """DELETE: canceled if it still runs, and from then on 404. Its blobs stay as long as they would have."""
        workflow = subjects.workflow(self._state, request)
        self._runs.cancel(workflow)
        workflow.deleted_at = self._state.clock.now()
        return Response(status_code=204)

    async def put_step(self, request: Request) -> Response:
        """PUT of a step: its `metadata`."""
        changes = await bodies.read_object(request)
        subjects.step(self._state, request).metadata = _object(changes, "metadata")
        return Response(status_code=204)

    async def patch_step(self, request: Request) -> Response:
        """PATCH of a step: a JSON Patch of its `metadata`."""
        operations = await bodies.read(request)
        step = subjects.step(self._state, request)
        step.metadata = _object(_patched({"metadata": step.metadata}, operations), "metadata")
        return Response(status_code=204)

    def _change(self, workflow: state.Workflow, changes: Mapping[str, Any]) -> None:
        """All of it or, after a `Problem`, nothing."""
        metadata = _object(changes, "metadata") if "metadata" in changes else workflow.metadata
        tags = submission.tags(changes["tags"]) if "tags" in changes else workflow.tags
        allowed = changes.get("allowMatureContent", False)
        if not isinstance(allowed, bool):
            raise problems.invalid("allowMatureContent", "allowMatureContent must be true or false.")
        if changes.get("status", "canceled") != "canceled":
            raise problems.invalid("status", "The only status that can be set is canceled.")
        workflow.metadata, workflow.tags = metadata, tags
        if "allowMatureContent" in changes:
            workflow.fields["allowMatureContent"] = allowed
        if "status" in changes:
            self._runs.cancel(workflow)


def _editable(workflow: state.Workflow) -> dict[str, Any]:
    return {
        "status": workflow.status,
        "metadata": workflow.metadata,
        "tags": workflow.tags,
        "allowMatureContent": workflow.fields.get("allowMatureContent"),
    }


def _patched(document: dict[str, Any], operations: object) -> dict[str, Any]:
    """The document as a patch leaves it; a `Problem` for one that does not fit, or that goes beyond its fields."""
    try:
        patched = json_patch.apply(document, operations)
    except json_patch.PatchError as error:
        raise problems.Problem(400, str(error)) from None
    if not isinstance(patched, dict) or patched.keys() != document.keys():
        raise problems.Problem(400, f"The patch may change {', '.join(document)}, and nothing else.")
    return patched


def _object(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise problems.invalid(key, f"{key} must be a JSON object.")
    return value
