"""`/v2/consumer/workflows`: submit, query, get, and the steps of one."""

import asyncio
import contextlib

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, bodies, documents, listings, parameters, problems, runs, state, subjects, submission

LONGEST_WAIT = 100.0  # seconds: the real one's limit of a request
MOST_ITEMS = 100  # of one page


class Consumer:
    """The calls of somebody who runs workflows."""

    def __init__(
        self, memory: state.State, rendering: documents.Documents, playing: runs.Runs, finding: listings.Listings
    ) -> None:
        self._state, self._documents, self._runs, self._listings = memory, rendering, playing, finding

    async def submit(self, request: Request) -> Response:
        """POST: 200 when it ended within `wait`, else 202. A known `externalId` answers its workflow."""
        body, wishes = await bodies.read_object(request), parameters.Parameters(request)
        wait, hide_mature = wishes.wait(LONGEST_WAIT), wishes.flag("hideMatureContent")
        known = self._state.find_by_external_id(submission.external_id(body))
        if known is not None:
            return await self._answer(known, wait, hide_mature=hide_mature)
        is_whatif = wishes.flag("whatif")
        workflow = submission.parse(body, self._state)
        if is_whatif:
            return answers.Json({**self._documents.workflow(workflow), "id": None})
        self._state.add(workflow)
        self._runs.start(workflow)
        return await self._answer(workflow, wait, hide_mature=hide_mature)

    async def query(self, request: Request) -> Response:
        """GET: a page `{items, next}`, newest first unless `ascending`; no `next` on the last one.

        Mature results are hidden unless `hideMatureContent=false`.
        """
        wishes = parameters.Parameters(request)
        hide_mature = wishes.flag("hideMatureContent", True)
        page = self._listings.page(
            listings.Wishes(
                take=wishes.whole("take", MOST_ITEMS, MOST_ITEMS),
                cursor=wishes.text("cursor"),
                tags=wishes.all("tags"),
                text=wishes.text("query"),
                exclude_failed=wishes.flag("excludeFailed"),
                ascending=wishes.flag("ascending"),
                status=wishes.text("status"),
                since=wishes.moment("fromDate"),
                until=wishes.moment("toDate"),
            )
        )
        items = [self._documents.workflow(workflow, hide_mature=hide_mature) for workflow in page.workflows]
        return answers.Json({"items": items} if page.next is None else {"items": items, page.next_name: page.next})

    async def get(self, request: Request) -> Response:
        """GET one: 200 when it has ended (within `wait`), 202 while it runs, 404."""
        wishes = parameters.Parameters(request)
        wait, hide_mature = wishes.wait(LONGEST_WAIT), wishes.flag("hideMatureContent")
        return await self._answer(subjects.workflow(self._state, request), wait, hide_mature=hide_mature)

    async def get_step(self, request: Request) -> Response:
        """GET one step, as it stands in its workflow's document; 404 for either."""
        return answers.Json(self._documents.step(subjects.step(self._state, request)))

    async def _answer(self, workflow: state.Workflow, wait: float, *, hide_mature: bool) -> Response:
        if wait:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(workflow.ended.wait(), wait)
        if workflow.deleted_at is not None:
            raise problems.Problem(404, "The workflow has been deleted.")
        status = 200 if workflow.status in state.TERMINAL else 202
        return answers.Json(self._documents.workflow(workflow, hide_mature=hide_mature), status)
