"""From a document to rows: the workflow, its steps and jobs, its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from archive import claims, drift, jobs, pauses, results, settings, shared_blobs, steps, workflows
from orchestration import documents, errors, statuses
from orchestration import results as finder
from orchestration.wire import JsonObject
from worker import metrics

OTHERS_NEED = timedelta(seconds=2)
"""How long a blob is left to the owner of another workflow who is downloading it."""


@dataclass(frozen=True)
class Fetched:
    """What came of a fetch: a document; or that the workflow is gone; or neither, and then why not."""

    document: JsonObject | None = None
    told: bool = False
    gone: bool = False
    error: errors.OrchestrationError | None = None


@dataclass(frozen=True)
class Order:
    """What a holder wants to be saved."""

    claim: claims.Claim
    fetched: Fetched


@dataclass(frozen=True)
class Saved:
    """What is kept of a workflow now, which of its results are not settled, and which jobs' documents are missing and
    may be asked for.
    """

    workflow: workflows.Kept
    pending: Sequence[results.Pending]
    jobs: Sequence[str]


async def write(
    connection: AsyncConnection, orders: Sequence[Order], *, config: settings.Settings
) -> Sequence[Saved | claims.Overtaken]:
    """Write what came of these fetches; what is kept then of each workflow whose claim holds."""
    kept = dict(await workflows.hold_with_documents(connection, [order.claim for order in orders]))
    held = [order for order in orders if order.claim in kept]
    told: list[workflows.Told] = []
    shown: dict[str, documents.Workflow] = {}
    wanted: dict[str, Sequence[finder.Found]] = {}
    drifted: dict[claims.Claim, Sequence[finder.Drift]] = {}
    for order in held:
        claim, fetched, before = order.claim, order.fetched, kept[order.claim]
        if fetched.document is not None:
            now = workflows.Kept(fetched.document, fetched.told, gone_at=before.gone_at if fetched.told else None)
            if documents.is_deleted(now.facts):
                now = replace(now, gone_at=claim.claimed_at)
            keep_document = not _may_replace(before, now)
            told.append(workflows.Told(claim, now, keep_document))
            if not keep_document:
                shown[claim.workflow_id] = now.facts
            kept[claim] = replace(before, gone_at=now.gone_at) if keep_document else now
            found, drifted[claim] = finder.look(fetched.document)
            wanted[claim.workflow_id] = _wanted(now.facts, found, config)
        elif fetched.gone:
            kept[claim] = replace(before, gone_at=claim.claimed_at)
    await workflows.save_each(connection, told)
    await steps.save_each(connection, shown)
    await results.add_each(connection, wanted)
    if with_results := [workflow_id for workflow_id, found in wanted.items() if found]:
        await shared_blobs.point_to_stored(connection, with_results)
        await shared_blobs.leave_to_others(connection, with_results, others_need=OTHERS_NEED)
    for order in held:
        await _write_what_is_rare(connection, order, kept[order.claim], drifted.get(order.claim, ()))
    ids = [order.claim.workflow_id for order in held]
    pending = await results.pending_of_each(connection, ids)
    missing = await _jobs_to_ask_for(connection, ids)
    saved = {claim: Saved(kept[claim], pending[claim.workflow_id], missing[claim.workflow_id]) for claim in kept}
    return [saved.get(order.claim, claims.Overtaken()) for order in orders]


async def _jobs_to_ask_for(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    missing = await jobs.without_document(connection, workflow_ids)
    if any(missing.values()) and any(pause.cause == "jobs" for pause in await pauses.holding(connection)):
        return dict.fromkeys(workflow_ids, ())
    return missing


async def _write_what_is_rare(
    connection: AsyncConnection, order: Order, now: workflows.Kept, drifted: Sequence[finder.Drift]
) -> None:
    claim, fetched = order.claim, order.fetched
    if drifted:
        step_types = {step.name: step.type for step in now.facts.steps}
        metrics.DRIFT.inc(await drift.add(connection, claim.workflow_id, drifted, step_types))
    if fetched.gone:
        await workflows.depart(connection, claim)
    if fetched.told or isinstance(fetched.error, errors.NotFound):
        await workflows.miss(connection, claim)


def _wanted(
    workflow: documents.Workflow, found: Sequence[finder.Found], config: settings.Settings
) -> Sequence[finder.Found]:
    """The results of what has ended: until then a place may still change its content."""
    ended = {step.name for step in workflow.steps if statuses.is_terminal(step.status)}
    return [
        result
        for result in found
        if result.role in config.kept_roles and (result.step in ended or statuses.is_terminal(workflow.status))
    ]


def _may_replace(before: workflows.Kept, now: workflows.Kept) -> bool:
    """Whether a document may take the place of the one that is kept.

    The API's gives way to none that callbacks told, and one that has ended only to one that names as much.
    """
    if not before.has_ended:
        return True
    if before.told != now.told:
        return before.told
    return now.has_ended and _named(before) <= _named(now)


def _named(kept: workflows.Kept) -> set[tuple[str, ...]]:
    """What an emptier document would lack: places of content, steps with an output or input, tags, metadata.

    The output of some steps names no content, and is itself what was paid for.
    """
    workflow, found = kept.facts, finder.find(kept.document or {})
    named: set[tuple[str, ...]] = {("content", one.step, one.path) for one in found}
    for step in workflow.steps:
        parts = {"step": step.name, "output": step.output, "input": step.input}
        named |= {(part, step.name) for part, value in parts.items() if value}
    return named | {(part,) for part, value in (("tags", workflow.tags), ("metadata", workflow.metadata)) if value}
