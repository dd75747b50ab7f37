"""One result, from due to what became of it: stored, withheld, gone, dead, or put off."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from archive import attempts, claims, results, settling, shared_blobs
from orchestration import errors
from worker import civitai, download, fetch, ledger, metrics, schedule
from worker.tools import Tools

log = structlog.get_logger()


async def keep_all(tools: Tools, claim: claims.Claim, pending: Sequence[results.Pending]) -> None:
    """Try each of these results once, as many at a time as the worker has slots, and no blob again once it is stored.

    Raises Overtaken, and StorageUnavailable: then there is no use in going on.
    """
    blobs: dict[str, list[results.Pending]] = {}
    for result in pending:
        blobs.setdefault(result.blob_id or f"result {result.id}", []).append(result)
    try:
        async with asyncio.TaskGroup() as group:
            for places in blobs.values():
                group.create_task(_keep_in_turn(tools, claim, places))
    except BaseExceptionGroup as errors_of_tasks:
        # The first has stopped the others; it is the one to tell.
        raise errors_of_tasks.exceptions[0] from None


async def _keep_in_turn(tools: Tools, claim: claims.Claim, places: Sequence[results.Pending]) -> None:
    """Try the places of one blob until one has brought it. One that was not tried would be due again at once."""
    for place in places:
        if not await keep(tools, claim, place):
            break
    if len(places) > 1:
        async with tools.engine.begin() as connection:
            await claims.hold(connection, claim)
            await shared_blobs.point_to_stored(connection, [claim.workflow_id])


async def keep(tools: Tools, claim: claims.Claim, result: results.Pending) -> bool:
    """Download one result and write what became of it; whether its blob is worth a try at another place.

    Raises Overtaken, and StorageUnavailable.
    """
    began, began_at = time.monotonic(), datetime.now(UTC)
    try:
        stored = await download.download(tools, result)
    except download.Blocked as withheld:
        log.info("withheld", workflow=claim.workflow_id, step=result.step, path=result.path, reason=str(withheld))
        async with tools.engine.begin() as connection:
            await claims.hold(connection, claim)
            await settling.withheld(connection, result.id, str(withheld))
        metrics.SETTLED_WITHOUT.labels("result", "withheld").inc()
    except civitai.Paused as pause:
        async with tools.engine.begin() as connection:
            await claims.hold(connection, claim)
            await settling.wait(connection, result.id, reason=str(pause.__cause__), until=datetime.now(UTC))
        return False
    except errors.OrchestrationError as error:
        await _put_off(tools, claim, result, error, began_at, time.monotonic() - began)
    else:
        await tools.shared.enter(ledger.Entry(claim, result.id, stored))
        metrics.STORED.inc()
        metrics.STORED_BYTES.inc(stored.facts.size)
        return False
    return True


async def _put_off(
    tools: Tools,
    claim: claims.Claim,
    result: results.Pending,
    error: errors.OrchestrationError,
    began_at: datetime,
    seconds: float,
) -> None:
    """Keep the failed try; then the result is gone, dead, or tried again later."""
    # While a URL of it lives, a 404 for its blob says nothing: ephemeral blobs are never known by their ids.
    is_missing = isinstance(error, errors.NotFound) and (result.url is None or download.is_expired(result))
    is_gone = is_missing and await fetch.is_final(tools, result.missing_at)
    at = schedule.next_try(error, result.attempts + 1, now=datetime.now(UTC), deadline=claim.deadline_at)
    log.warning(
        "gone: Civitai's API answers 404" if is_gone else "a try at a result failed",
        workflow=claim.workflow_id,
        step=result.step,
        path=result.path,
        error=str(error),
        next_try=None if is_gone else at,
    )
    metrics.FAILED.labels("result").inc()
    if is_gone or at is None:
        metrics.SETTLED_WITHOUT.labels("result", "gone" if is_gone else "dead").inc()
    async with tools.engine.begin() as connection:
        await claims.hold(connection, claim)
        await attempts.add(
            connection,
            claim.workflow_id,
            step=result.step,
            path=result.path,
            began_at=began_at,
            seconds=seconds,
            error=str(error),
            http_status=error.status,
        )
        if is_missing:
            await settling.miss(connection, result.id)
        elif result.missing_at is not None:
            await settling.find_again(connection, result.id)
        if is_gone:
            await settling.gone(connection, result.id, str(error))
        elif at is None:
            await settling.dead(connection, result.id, str(error))
        else:
            await settling.put_off(connection, result.id, error=str(error), next_attempt_at=at)
