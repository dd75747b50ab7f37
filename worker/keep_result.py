"""One result: from its signed URL to an object in storage and a row that says so."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from archive import attempts, objects, results, workflows
from orchestration import errors
from orchestration import results as finder
from worker import schedule
from worker.tools import Tools

URL_MARGIN = timedelta(seconds=5)
"""A URL that expires within this time is refreshed before it is used."""

log = structlog.get_logger()


class Withheld(Exception):
    """Civitai keeps the content back, and says why."""


class NotAvailable(errors.Transient):
    """Civitai has not made the content available yet, it will be asked for again."""


async def keep_all(tools: Tools, claim: workflows.Claim, pending: Sequence[results.Pending]) -> None:
    """Try each of these results once, as many at a time as the worker has slots. Raises Overtaken."""
    try:
        async with asyncio.TaskGroup() as group:
            for result in pending:
                group.create_task(_keep_in_turn(tools, claim, result))
    except BaseExceptionGroup as errors_of_tasks:
        # The first has stopped the others; it is the one to tell.
        raise errors_of_tasks.exceptions[0] from None


async def _keep_in_turn(tools: Tools, claim: workflows.Claim, result: results.Pending) -> None:
    async with tools.download_slots:
        await keep(tools, claim, result)


async def keep(tools: Tools, claim: workflows.Claim, result: results.Pending) -> None:
    """Download one result and settle it, or keep the failed try and put it off. Raises Overtaken."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    try:
        await _download(tools, claim, result)
    except Withheld as withheld:
        log.info("withheld", workflow=claim.workflow_id, step=result.step, path=result.path, reason=str(withheld))
        async with tools.engine.begin() as connection:
            await workflows.hold(connection, claim)
            await results.settle_withheld(connection, result.id, str(withheld))
    except (errors.OrchestrationError, OSError) as error:
        await _put_off(tools, claim, result, error, began_at, time.monotonic() - began)


async def _download(tools: Tools, claim: workflows.Claim, result: results.Pending) -> None:
    url = result.url
    if url is None or (result.url_expires_at and result.url_expires_at <= datetime.now(UTC) + URL_MARGIN):
        url = await _fresh_url(tools, result)
    try:
        await _store(tools, claim, result, url)
    except errors.UrlExpired:
        await _store(tools, claim, result, await _fresh_url(tools, result))


async def _fresh_url(tools: Tools, result: results.Pending) -> str:
    """A URL signed just now. Without a blob id there is none to ask for: the next fetch of the workflow brings one."""
    if result.blob_id is None:
        raise errors.UrlExpired(call="refresh", id=result.path)
    blob = finder.read_blob(await tools.api.refresh(result.blob_id))
    if blob.blocked_reason and not blob.available:
        raise Withheld(blob.blocked_reason)
    if blob.url is None or blob.available is False:
        raise NotAvailable(call="refresh", id=result.blob_id)
    return blob.url


async def _store(tools: Tools, claim: workflows.Claim, result: results.Pending, url: str) -> None:
    """Stream to a temporary file while hashing; durable under its digest first, then the row says so."""
    with tools.storage.receive() as incoming:
        async with tools.blobs.open(url) as content:
            async for chunk in content.chunks:
                incoming.write(chunk)
        if incoming.size == 0:
            raise errors.Truncated(call="download", url=url, detail="it is empty")
        await tools.storage.keep(incoming, media_type=content.media_type)
    async with tools.engine.begin() as connection:
        await workflows.hold(connection, claim)
        await objects.add(connection, incoming.digest, size=incoming.size, media_type=content.media_type)
        await results.settle_stored(connection, result.id, incoming.digest)


async def _put_off(
    tools: Tools,
    claim: workflows.Claim,
    result: results.Pending,
    error: Exception,
    began_at: datetime,
    seconds: float,
) -> None:
    reason = str(error) or type(error).__name__
    next_attempt_at = schedule.next_try(error, result.attempts + 1, now=datetime.now(UTC), deadline=claim.deadline_at)
    log.warning(
        "a try at a result failed",
        workflow=claim.workflow_id,
        step=result.step,
        path=result.path,
        error=reason,
        next_try=next_attempt_at,
    )
    async with tools.engine.begin() as connection:
        await workflows.hold(connection, claim)
        await attempts.add(
            connection,
            claim.workflow_id,
            step=result.step,
            path=result.path,
            began_at=began_at,
            seconds=seconds,
            error=reason,
            http_status=getattr(error, "status", None),
        )
        if next_attempt_at is None:
            await results.settle_dead(connection, result.id, reason)
        else:
            await results.put_off(connection, result.id, error=reason, next_attempt_at=next_attempt_at)
