"""`/v2/consumer/workflows`: submit, query, get."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import clock, documents, faults, problems, runs, state, submission

LONGEST_WAIT = 100.0  # seconds: the real one's limit of a request
MOST_ITEMS = 100  # of one page
_FAILED = state.TERMINAL - {"succeeded"}
Read = TypeVar("Read")


class Consumer:
    """The calls of somebody who runs workflows."""

    def __init__(
        self, memory: state.State, rendering: documents.Documents, playing: runs.Runs, chance: faults.Chance
    ) -> None:
        self._state, self._documents, self._runs, self._chance = memory, rendering, playing, chance

    async def submit(self, request: Request) -> Response:
        """POST: 200 when it ended within `wait`, else 202. A known `externalId` answers its workflow."""
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise problems.Problem(400, "The body is not JSON.") from None
        known = self._state.by_external_id.get(submission.external_id(body) or "")
        if known is not None:
            return await self._answer(known, request)
        workflow = submission.parse(body, self._state)
        if request.query_params.get("whatif") == "true":
            return JSONResponse({**self._documents.workflow(workflow), "id": None})
        self._state.add(workflow)
        self._runs.start(workflow)
        return await self._answer(workflow, request)

    async def query(self, request: Request) -> Response:
        """GET: a page `{items, next}`, newest first unless `ascending`; no `next` on the last one.

        Mature results are hidden unless `hideMatureContent=false`.
        """
        wishes = request.query_params
        take = _parameter(request, "take", int)
        take = MOST_ITEMS if take is None else take
        if not 1 <= take <= MOST_ITEMS:
            raise problems.invalid("take", f"take must be from 1 to {MOST_ITEMS}.")
        since, until = (_parameter(request, name, clock.parse) for name in ("fromDate", "toDate"))
        ascending = wishes.get("ascending") == "true"
        status, hide_mature = wishes.get("status"), wishes.get("hideMatureContent", "true") != "false"
        tags, text = set(wishes.getlist("tags")), wishes.get("query", "").lower()
        found = [
            workflow
            for workflow in self._state.kept_workflows()
            if tags <= set(workflow.tags)
            and text in json.dumps(workflow.metadata, ensure_ascii=False).lower()
            and not (wishes.get("excludeFailed") == "true" and workflow.status in _FAILED)
            and status in (None, "", workflow.status)
            and not self._chance.lasts(("workflow_404",), workflow.scenario.own_faults)
            and _between(since, workflow.created_at, until)
        ]
        if cursor := wishes.get("cursor"):
            found = self._beyond(cursor, found, ascending=ascending)
        if not ascending:
            found.reverse()
        page: documents.Document = {
            "items": [self._documents.workflow(item, hide_mature=hide_mature) for item in found[:take]]
        }
        if len(found) > take:
            page["next"] = found[take - 1].id
        return JSONResponse(page)

    async def get(self, request: Request) -> Response:
        """GET one: 200 when it has ended (within `wait`), 202 while it runs, 404."""
        workflow = self._state.find_workflow(request.path_params["workflow_id"])
        if workflow is None:
            raise problems.Problem(404, "There is no such workflow.")
        return await self._answer(workflow, request)

    async def _answer(self, workflow: state.Workflow, request: Request) -> Response:
        wait = _parameter(request, "wait", _seconds)
        if wait:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(workflow.ended.wait(), min(wait, LONGEST_WAIT))
        status = 200 if workflow.status in state.TERMINAL else 202
        hide_mature = request.query_params.get("hideMatureContent") == "true"
        return JSONResponse(self._documents.workflow(workflow, hide_mature=hide_mature), status)

    def _beyond(self, cursor: str, found: list[state.Workflow], *, ascending: bool) -> list[state.Workflow]:
        """What lies beyond the workflow that the last page ended with, whether or not that is found again."""
        order = {identifier: number for number, identifier in enumerate(self._state.workflows)}
        if cursor not in order:
            raise problems.invalid("cursor", "The sandbox gave no such cursor.")
        return [item for item in found if (order[item.id] > order[cursor]) == ascending and item.id != cursor]


def _parameter(request: Request, name: str, read: Callable[[str], Read]) -> Read | None:
    value = request.query_params.get(name)
    if not value:
        return None
    try:
        return read(value)
    except ValueError:
        raise problems.invalid(name, f"{name} cannot be read.") from None


def _seconds(value: str) -> float:
    return LONGEST_WAIT if value == "true" else 0.0 if value == "false" else float(value)


def _between(since: datetime | None, moment: datetime, until: datetime | None) -> bool:
    return (since is None or since <= moment) and (until is None or moment <= until)
