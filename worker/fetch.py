"""What Civitai knows of a workflow now."""

from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from archive import claims, told
from orchestration import errors, statuses
from orchestration.wire import JsonObject
from worker import civitai
from worker.save_document import Fetched
from worker.tools import Tools

GONE_AFTER = timedelta(hours=1)
"""A 404 is Civitai's word only when it has been its answer for this long, and a listing works."""

log = structlog.get_logger()


async def fetch(tools: Tools, claim: claims.Claim) -> Fetched:
    """Ask for the workflow's document.

    An ephemeral workflow that has ended answers 404: its last detailed callback is its document then. Any other 404
    is tried again until it has stood for an hour. Raises an OrchestrationError, but not past the deadline: nobody will
    ask again then, and what is kept must do.
    """
    try:
        document = await civitai.ask(tools, partial(tools.api.get, claim.workflow_id))
        return Fetched(tools.access.strike_document(document))
    except errors.NotFound as error:
        told_document = await _told_document(tools, claim)
        if claim.ephemeral and told_document is not None and statuses.is_terminal(told_document["status"]):
            return Fetched(told_document, told=True)
        if await is_final(tools, claim.missing_at):
            log.warning("gone: Civitai's API answers 404", workflow=claim.workflow_id, since=str(claim.missing_at))
            return Fetched(gone=True)
        # Perhaps it is ephemeral and nobody said so: what was told is kept now, and the API asked again later.
        return Fetched(error=error) if told_document is None else Fetched(told_document, told=True)
    except errors.OrchestrationError as error:
        if datetime.now(UTC) < claim.deadline_at:
            raise
        return Fetched(error=error)


async def is_final(tools: Tools, missing_at: datetime | None) -> bool:
    """Whether a 404 that has been Civitai's answer since `missing_at` is its last word."""
    has_stood = missing_at is not None and datetime.now(UTC) - missing_at >= GONE_AFTER
    return has_stood and await civitai.token_works(tools)


async def _told_document(tools: Tools, claim: claims.Claim) -> JsonObject | None:
    if not (claim.ephemeral or tools.config.keep_told_results):
        return None
    async with tools.engine.connect() as connection:
        return await told.document(connection, claim.workflow_id)
