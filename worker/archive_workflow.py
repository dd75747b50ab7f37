"""The one task: bring a workflow from due to archived, as one owner from fetch to seal."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from archive import attempts, manifests, queue, results, steps, workflows
from orchestration import documents, errors, statuses
from orchestration import results as finder
from orchestration.wire import JsonObject
from worker import keep_result, lease, schedule
from worker.tools import Tools

KEPT_ROLES = frozenset({"result", "by-product"})
"""Previews are smaller likenesses of results; a bundle holds blobs that are results themselves."""

log = structlog.get_logger()


async def archive_workflow(tools: Tools, workflow_id: str) -> None:
    """Do what is owed to a workflow. Harmless at any time: the row decides.

    1. Claim: a conditional UPDATE sets a lease, which a heartbeat keeps alive. No row: somebody has it, or nothing
       is due. From here on every write names the claim, so an owner that was overtaken writes nothing.
    2. GET the workflow, with no transaction open.
    3. Save the document, its steps, jobs and results in one transaction.
    4. Download each result that is not settled and due.
    5. Once the workflow has ended, write its manifest; with every result settled it is archived. Otherwise it is due
       again when there is something worth trying.
    6. Release. If an event came since the claim it is due at once, and the bell rings for it.
    """
    async with tools.engine.begin() as connection:
        claim = await workflows.claim(connection, workflow_id)
    if claim is None:
        return
    try:
        is_due = await lease.while_held(tools.engine, claim, _archive(tools, claim))
    except workflows.Overtaken:
        log.warning("overtaken: somebody else has the workflow now", workflow=workflow_id)
        return
    if is_due:
        await queue.ring(tools.redis, [workflow_id])


async def _archive(tools: Tools, claim: workflows.Claim) -> bool:
    """From fetch to release; whether the workflow is due again at once."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    try:
        document = tools.access.strike_document(await tools.api.get(claim.workflow_id))
        pending = await _save(tools, claim, document)
        await keep_result.keep_all(tools, claim, [result for result in pending if result.is_due])
        return await _finish(tools, claim)
    except asyncio.CancelledError:
        # The process is to stop: whoever is left can go on at once.
        async with asyncio.timeout(2), tools.engine.begin() as connection:
            await workflows.release(connection, claim, due_at=datetime.now(UTC))
        raise
    except workflows.Overtaken:
        raise
    except Exception as error:
        if not isinstance(error, errors.OrchestrationError | OSError):
            log.exception("could not archive a workflow", workflow=claim.workflow_id)
        return await _put_off(tools, claim, error, began_at, time.monotonic() - began)


async def _save(tools: Tools, claim: workflows.Claim, document: JsonObject) -> Sequence[results.Pending]:
    """Write what the API said; the results that are not settled."""
    workflow = documents.read(document)
    ended = {step.name for step in workflow.steps if statuses.is_terminal(step.status)}
    wanted = [
        result
        for result in finder.find(document)
        if result.role in KEPT_ROLES and (result.step in ended or statuses.is_terminal(workflow.status))
    ]
    async with tools.engine.begin() as connection:
        await workflows.hold(connection, claim)
        before = await workflows.document(connection, claim.workflow_id)
        keep_document = before is not None and not _may_replace(before, document)
        await workflows.save(connection, claim, document, keep_document=keep_document)
        if not keep_document:
            await steps.save(connection, claim.workflow_id, workflow)
        await results.add(connection, claim.workflow_id, wanted)
        await results.settle_stored_elsewhere(connection, claim.workflow_id)
        return await results.pending(connection, claim.workflow_id)


def _may_replace(before: JsonObject, document: JsonObject) -> bool:
    """Whether a document may take the place of another: one that has ended gives way only to one that names as much."""
    if not statuses.is_terminal(documents.read(before).status):
        return True
    return statuses.is_terminal(documents.read(document).status) and _places(before) <= _places(document)


def _places(document: JsonObject) -> set[tuple[str, str]]:
    return {(result.step, result.path) for result in finder.find(document)}


async def _finish(tools: Tools, claim: workflows.Claim) -> bool:
    """Seal or release; whether the workflow is due again at once."""
    now = datetime.now(UTC)
    async with tools.engine.connect() as connection:
        document = await workflows.document(connection, claim.workflow_id) or {}
        kept = await results.kept(connection, claim.workflow_id)
        pending = await results.pending(connection, claim.workflow_id)
    workflow = documents.read(document)
    ended = statuses.is_terminal(workflow.status)
    if ended:
        name = manifests.name(claim.workflow_id, workflow.created_at or claim.heard_at)
        manifest = manifests.build(claim.workflow_id, document, kept)
        await tools.storage.write(name, manifest, media_type=manifests.MEDIA_TYPE)
    async with tools.engine.begin() as connection:
        if ended and not pending:
            log.info("archived", workflow=claim.workflow_id, status=workflow.status, results=len(kept))
            return await workflows.seal(connection, claim)
        if not ended and now >= claim.deadline_at:
            return await workflows.bury(connection, claim, error=f"still {workflow.status} at its deadline")
        looks = [result.next_attempt_at for result in pending]
        if not ended:
            looks.append(schedule.next_look(claim.heard_at, now=now))
        return await workflows.release(connection, claim, due_at=min(looks))


async def _put_off(tools: Tools, claim: workflows.Claim, error: Exception, began_at: datetime, seconds: float) -> bool:
    """Keep the failed try and decide on the next; whether the workflow is due again at once."""
    reason = str(error) or type(error).__name__
    due_at = schedule.next_try(error, claim.failures + 1, now=datetime.now(UTC), deadline=claim.deadline_at)
    log.warning("a try at a workflow failed", workflow=claim.workflow_id, error=reason, next_try=due_at)
    async with tools.engine.begin() as connection:
        await workflows.hold(connection, claim)
        await attempts.add(
            connection,
            claim.workflow_id,
            began_at=began_at,
            seconds=seconds,
            error=reason,
            http_status=getattr(error, "status", None),
        )
        if due_at is None:
            return await workflows.bury(connection, claim, error=reason)
        return await workflows.release_failed(connection, claim, error=reason, due_at=due_at)
