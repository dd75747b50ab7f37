"""The one task: bring a workflow from due to archived, as one owner from fetch to seal."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from archive import attempts, claims, database, queue, workflows
from archive.storage_errors import StorageUnavailable
from orchestration import errors
from worker import (
    civitai,
    fetch,
    job_documents,
    keep_result,
    metrics,
    name_files,
    renew,
    save_document,
    schedule,
    take_in_manifest,
    write_manifest,
)
from worker.shared_writes import JobDocuments
from worker.tools import Tools

TROUBLE_OF_OURS = timedelta(seconds=30)
"""When storage is away: how long until what is due is looked at again."""

log = structlog.get_logger()


async def archive_workflow(tools: Tools, workflow_id: str) -> None:
    """Do what is owed to a workflow. Harmless at any time: the row decides.

    1. Claim: a conditional UPDATE sets a lease, which a heartbeat keeps alive. No row: somebody has it, nothing is
       due, or all fetching pauses. From here on every write names the claim, so an owner that was overtaken writes
       nothing.
    2. GET the workflow, with no transaction open. If it is new to the database and not to storage, what its manifest
       tells is taken in, and the next claim goes on.
    3. Save the document, its steps, jobs and results in one transaction.
    4. Download each result that is not settled and due, and ask for the documents of its jobs meanwhile.
    5. Once something is kept for good, write its manifest; with every result of an ended workflow settled it is
       archived. Otherwise it is due again when there is something worth trying.
    6. Release. If an event came since the claim it is due at once, and the bell rings for it.
    """
    with tools.shared.under_way():
        claim = await tools.shared.take(workflow_id)
        if claim is None:
            return
        try:
            is_due = await tools.leases.while_held(claim, _archive(tools, claim))
        except claims.Overtaken:
            log.warning("overtaken: somebody else has the workflow now", workflow=workflow_id)
            return
    if is_due:
        await queue.ring(tools.redis, [workflow_id])


async def _archive(tools: Tools, claim: claims.Claim) -> bool:
    """From fetch to release; whether the workflow is due again at once."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    try:
        fetched = await fetch.fetch(tools, claim)
        if claim.fetched_at is None and fetched.document is not None:
            await take_in_manifest.take_in_manifest(tools, claim, fetched.document)
        saved = await tools.shared.save(save_document.Order(claim, fetched))
        async with job_documents.beside(tools, claim, _jobs_to_ask_for(claim, saved)) as of_jobs:
            await keep_result.keep_all(tools, claim, [result for result in saved.pending if result.is_due])
            if fetched.error is not None and not _must_do(claim, saved.workflow):
                raise fetched.error
            return await _finish(tools, claim, saved.workflow, of_jobs, is_final=not fetched.told or claim.ephemeral)
    except asyncio.CancelledError:
        # The process is to stop: whoever is left can go on at once.
        async with asyncio.timeout(2), tools.engine.begin() as connection:
            await claims.release(connection, claim, due_at=datetime.now(UTC))
        raise
    except claims.Overtaken:
        raise
    except civitai.Paused:
        async with tools.engine.begin() as connection:
            await claims.release(connection, claim, due_at=datetime.now(UTC))
        return False  # ringing would be in vain; the sweep does when the pause is over
    except StorageUnavailable as error:
        log.error("storage is away; what is due stays due", workflow=claim.workflow_id, error=str(error))
        await renew.renew_at_risk(tools, claim)
        async with tools.engine.begin() as connection:
            return await claims.release(connection, claim, due_at=datetime.now(UTC) + TROUBLE_OF_OURS)
    except Exception as error:
        if not isinstance(error, errors.OrchestrationError) and not database.is_unavailable(error):
            log.exception("could not archive a workflow", workflow=claim.workflow_id)
        return await _put_off(tools, claim, error, began_at, time.monotonic() - began)


def _must_do(claim: claims.Claim, workflow: workflows.Kept) -> bool:
    """Whether what is kept is all that there will be: the document of an end, past the deadline."""
    return workflow.has_ended and datetime.now(UTC) >= claim.deadline_at


def _jobs_to_ask_for(claim: claims.Claim, saved: save_document.Saved) -> Sequence[str]:
    """The jobs of what has ended, whose documents Civitai still has."""
    return saved.jobs if saved.workflow.has_ended and datetime.now(UTC) < claim.deadline_at else ()


async def _finish(
    tools: Tools,
    claim: claims.Claim,
    workflow: workflows.Kept,
    of_jobs: asyncio.Task[job_documents.Fetched],
    *,
    is_final: bool,
) -> bool:
    """Seal or release; whether the workflow is due again at once.

    Without `is_final` the API is asked again later, though there may be nothing left to do.
    """
    now = datetime.now(UTC)
    came = of_jobs.result().documents if of_jobs.done() else None
    look = await tools.shared.look(JobDocuments(claim, came or {}))
    pending = [result for result in look.results if not result.is_settled]
    ended, status = workflow.has_ended, workflow.facts.status
    is_whole = ended and not pending
    is_hopeless = not ended and workflow.gone_at is None and now >= claim.deadline_at
    looks = [result.next_attempt_at for result in pending]
    tells_more = ended or workflow.gone_at is not None or is_hopeless or any(one.digest for one in look.results)
    write = partial(write_manifest.write, tools, claim, workflow, is_whole=is_whole)
    if ended:
        await name_files.name_files(tools, claim, workflow.document or {}, look.results)
    if came is None:  # they may have to wait for their turn: that the workflow is archived is said before
        if is_whole:
            await write(look, then=lambda at: tools.shared.mark_archived((claim, at)))
        late = (await of_jobs).documents
        tells_more = bool(late) or not is_whole
        look = await tools.shared.look(JobDocuments(claim, late)) if late else look
    if not (await of_jobs).are_all or (not ended and workflow.gone_at is None):
        looks.append(schedule.next_look(claim.heard_at, now=now))
    if ended and not is_final:
        looks.append(now + fetch.GONE_AFTER)

    async def give_back(at: datetime | None) -> bool:
        if is_hopeless:
            async with tools.engine.begin() as connection:
                return await claims.bury(connection, claim, error=f"still {status} at its deadline")
        archived_at = at if is_whole else None
        return await tools.shared.end(claims.Return(claim, due_at=min(looks, default=None), archived_at=archived_at))

    is_due = await (write(look, then=give_back) if tells_more else give_back(None))
    if is_whole:
        metrics.ARCHIVED.inc(claim.archived_at is None)
        log.info("archived", workflow=claim.workflow_id, status=status, results=len(look.results))
    return is_due


async def _put_off(tools: Tools, claim: claims.Claim, error: Exception, began_at: datetime, seconds: float) -> bool:
    """Keep the failed try and decide on the next; whether the workflow is due again at once."""
    reason = str(error) or type(error).__name__
    due_at = schedule.next_try(error, claim.failures + 1, now=datetime.now(UTC), deadline=claim.deadline_at)
    metrics.FAILED.labels("workflow").inc()
    log.warning("a try at a workflow failed", workflow=claim.workflow_id, error=reason, next_try=due_at)
    async with tools.engine.begin() as connection:
        await claims.hold(connection, claim)
        await attempts.add(
            connection,
            claim.workflow_id,
            began_at=began_at,
            seconds=seconds,
            error=reason,
            http_status=getattr(error, "status", None),
        )
        if due_at is None and claim.archived_at is None:
            return await claims.bury(connection, claim, error=reason)
        return await claims.release_failed(connection, claim, error=reason, due_at=due_at)
