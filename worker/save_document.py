"""From a document to rows: the workflow, its steps and jobs, its results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from archive import claims, drift, results, settings, shared_blobs, steps, workflows
from orchestration import documents, errors, statuses
from orchestration import results as finder
from orchestration.wire import JsonObject
from worker.fetch import Fetched
from worker.tools import Tools

OTHERS_NEED = timedelta(seconds=2)
"""How long a blob is left to the owner of another workflow who is downloading it."""


@dataclass(frozen=True)
class Saved:
    """What is kept of a workflow now, and which of its results are not settled."""

    workflow: workflows.Kept
    pending: Sequence[results.Pending]


async def save(tools: Tools, claim: claims.Claim, fetched: Fetched) -> Saved:
    """Write what came of the fetch, in one transaction. Raises Overtaken."""
    async with tools.engine.begin() as connection:
        kept = await workflows.hold_with_document(connection, claim)
        if fetched.document is not None:
            workflow = documents.read(fetched.document)
            keep_document = not _may_replace(kept, fetched)
            await workflows.save(connection, claim, fetched.document, keep_document=keep_document, told=fetched.told)
            if not keep_document:
                kept = replace(kept, document=fetched.document, told=fetched.told)
                await steps.save(connection, claim.workflow_id, workflow)
            if documents.is_deleted(workflow):
                kept = replace(kept, gone_at=claim.claimed_at)
            elif not fetched.told:
                kept = replace(kept, gone_at=None)
            step_types = {step.name: step.type for step in workflow.steps}
            await drift.add(connection, claim.workflow_id, finder.find_drift(fetched.document), step_types)
            wanted = _wanted(workflow, finder.find(fetched.document), tools.config)
            if wanted:
                await results.add(connection, claim.workflow_id, wanted)
                await shared_blobs.point_to_stored(connection, claim.workflow_id)
                await shared_blobs.leave_to_others(connection, claim.workflow_id, others_need=OTHERS_NEED)
        elif fetched.gone:
            await workflows.depart(connection, claim)
            kept = replace(kept, gone_at=claim.claimed_at)
        if fetched.told or isinstance(fetched.error, errors.NotFound):
            await workflows.miss(connection, claim)
        return Saved(kept, await results.pending(connection, claim.workflow_id))


def _wanted(
    workflow: documents.Workflow, found: Sequence[finder.Found], config: settings.Settings
) -> Sequence[finder.Found]:
    """The results of what has ended: until then a place may still change its content."""
    roles = {"result": True, "preview": config.keep_previews, "by-product": config.keep_by_products, "bundle": False}
    ended = {step.name for step in workflow.steps if statuses.is_terminal(step.status)}
    return [
        result
        for result in found
        if roles[result.role] and (result.step in ended or statuses.is_terminal(workflow.status))
    ]


def _may_replace(before: workflows.Kept, fetched: Fetched) -> bool:
    """Whether a document may take the place of the one that is kept.

    The API's gives way to none that callbacks told, and one that has ended only to one that names as much.
    """
    if not _has_ended(before.document):
        return True
    if before.told != fetched.told:
        return before.told
    return _has_ended(fetched.document) and _named(before.document) <= _named(fetched.document)


def _has_ended(document: JsonObject | None) -> bool:
    return document is not None and statuses.is_terminal(documents.read(document).status)


def _named(document: JsonObject | None) -> set[tuple[str, ...]]:
    """What an emptier document would lack: places of content, steps with an output or input, tags, metadata.

    The output of some steps names no content, and is itself what was paid for.
    """
    workflow = documents.read(document or {})
    named: set[tuple[str, ...]] = {("content", found.step, found.path) for found in finder.find(document or {})}
    for step in workflow.steps:
        parts = {"step": step.name, "output": step.output, "input": step.input}
        named |= {(part, step.name) for part, value in parts.items() if value}
    return named | {(part,) for part, value in (("tags", workflow.tags), ("metadata", workflow.metadata)) if value}
