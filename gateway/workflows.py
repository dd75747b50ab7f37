"""Workflows: submitted, listed, looked at, and their steps."""

import json
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from archive import access, catalogue, cursors, database, submissions
from archive import workflows as rows
from archive.settings import Settings
from gateway import bodies, choosing, forwarding, identifiers, parameters, problems, showing, sources
from gateway.choosing import Archived
from gateway.problems import Problem
from gateway.sources import ARCHIVE, LIVE
from gateway.state import State
from orchestration import errors, rendering, wire
from orchestration.wire import JsonObject

WORKFLOWS = "/v2/consumer/workflows"

CALLBACK_HEADER = "X-Archive-Callback"
"""`false` in a submission: it is neither given our callback nor followed."""

TAKE = 20
"""Workflows on a page of the archive's, unless the client says otherwise."""

log = structlog.get_logger()


async def submit(request: Request[State]) -> Response:
    """Submit a workflow, with our callback among its own, so that it is archived."""
    body = await bodies.read(request)
    template = bodies.json_object(body)
    is_followed = _is_followed(request)
    if is_followed and _add_callback(template, request.state["config"]):
        body = json.dumps(template).encode()
    response = await forwarding.relay(request, "submit workflow", WORKFLOWS, body=body)
    if is_followed and response.status_code in (200, 202):
        await _follow(request.state["engine"], bytes(response.body))
    return response


async def query(request: Request[State]) -> Response:
    """List workflows: all of a page from one side, and the next from the same."""
    wanted, cursor, to_date = sources.wish(request), parameters.CURSOR.of(request), parameters.TO_DATE.of(request)
    if cursor and cursors.is_ours(cursor):
        if wanted == LIVE:
            raise problems.invalid("cursor", "The cursor is the archive's, and Civitai was to answer.")
        wanted = ARCHIVE
    is_forgotten = to_date is not None and to_date < datetime.now(UTC) - rows.RETENTION
    if wanted == ARCHIVE or (wanted is None and is_forgotten and not cursor):
        return await _query_archive(request, cursor)
    can_change_sides = wanted is None and not cursor
    try:
        response = await forwarding.relay(request, "list workflows", WORKFLOWS)
    except (errors.Unreachable, Problem):
        if not can_change_sides:
            raise
        return await _query_archive(request, None)
    if can_change_sides and errors.is_server_error(response.status_code):
        return await _query_archive(request, None)
    return response


async def get(request: Request[State]) -> Response:
    """Look at one workflow."""
    wait = parameters.WAIT.of(request)

    async def archived() -> Archived | None:
        kept = await _kept(request)
        if kept is None:
            return None

        async def show() -> Response:
            hide_mature = parameters.HIDE_MATURE.of(request) or False
            return showing.workflow(showing.document(request, kept, hide_mature=hide_mature))

        return Archived(show, kept.is_current)

    path = f"{WORKFLOWS}/{identifiers.segment_of(request, 'workflowId')}"
    return await choosing.answer(
        request, archived, lambda: forwarding.relay(request, "get workflow", path, wait=_longest(wait))
    )


async def get_step(request: Request[State]) -> Response:
    """Look at one step of a workflow."""
    name = identifiers.of(request, "stepName")

    async def archived() -> Archived | None:
        kept = await _kept(request)
        if kept is None or rendering.find_step(kept.document, name) is None:
            return None

        async def show() -> Response:
            document = showing.document(request, kept, hide_mature=False)
            return showing.archived(rendering.find_step(document, name))

        return Archived(show, kept.is_current)

    workflow_id, step = (identifiers.segment_of(request, name) for name in ("workflowId", "stepName"))
    path = f"{WORKFLOWS}/{workflow_id}/steps/{step}"
    return await choosing.answer(request, archived, lambda: forwarding.relay(request, "get step", path))


async def _kept(request: Request[State]) -> catalogue.Kept | None:
    return await request.state["kept"](identifiers.of(request, "workflowId"))


async def _query_archive(request: Request[State], cursor: str | None) -> Response:
    filters = catalogue.Filters(
        tags=parameters.TAGS.all_of(request),
        query=parameters.QUERY.of(request),
        created_from=parameters.FROM_DATE.of(request),
        created_to=parameters.TO_DATE.of(request),
        status=parameters.STATUS.of(request),
        exclude_failed=parameters.EXCLUDE_FAILED.of(request) or False,
        ascending=parameters.ASCENDING.of(request) or False,
    )
    try:
        async with showing.reading(request) as connection:
            page = await catalogue.query(
                connection, filters, take=parameters.TAKE.of(request) or TAKE, cursor=cursor or None
            )
    except cursors.BadCursor as error:
        raise problems.invalid("cursor", f"{error}.") from None
    # As at Civitai, a listing hides what is mature unless it is told not to.
    hide_mature = parameters.HIDE_MATURE.of(request) is not False
    answer: JsonObject = {"items": [showing.document(request, item, hide_mature=hide_mature) for item in page.items]}
    if page.next is not None:
        answer |= {"next": str(page.next), "nextCursor": str(page.next)}  # Civitai's newer word and its older
    return showing.archived(answer)


def _is_followed(request: Request[State]) -> bool:
    told = request.headers.get(CALLBACK_HEADER, "true").strip().lower()
    if told not in ("true", "false"):
        raise problems.invalid(CALLBACK_HEADER, f"{CALLBACK_HEADER} is neither true nor false.")
    return told == "true" and not parameters.WHATIF.of(request)


def _add_callback(template: JsonObject, config: Settings) -> bool:
    """Put our callback among the submission's own, unless there is none to put or no place for it."""
    callbacks = template.get("callbacks")
    if config.public_url is None or not config.callback_secrets or not isinstance(callbacks, list | None):
        return False
    entry = access.callbacks_entry(access.callback_url(config.public_url, config.callback_secrets[0]))
    template["callbacks"] = [*(callbacks or []), entry]
    return True


async def _follow(engine: AsyncEngine, answer: bytes) -> None:
    """Have the workflow archived that Civitai has accepted; that this is not to be had now must not hide that."""
    try:
        workflow_id = wire.loads(answer).get("id")
        if wire.is_identifier(workflow_id):
            async with engine.connect() as connection:
                await submissions.hear(connection, workflow_id)
    except (ValueError, AttributeError):
        log.warning("Civitai took a workflow and gave no document of it")
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        log.error("a submitted workflow is not followed, only its callbacks", error=repr(error))


def _longest(wait: float | None) -> float:
    """How long an answer may take that is waited for: Civitai ends its requests after 100 seconds."""
    return min(wait or 0.0, 100.0)
