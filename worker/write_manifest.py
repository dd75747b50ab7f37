"""A workflow's manifest: written by its holder, and never the last word of one who was overtaken."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import structlog

from archive import claims, due, manifests, workflows
from worker.shared_writes import Look
from worker.tools import Tools

T = TypeVar("T")

log = structlog.get_logger()


async def write(
    tools: Tools,
    claim: claims.Claim,
    workflow: workflows.Kept,
    look: Look,
    *,
    is_whole: bool,
    then: Callable[[datetime], Awaitable[T]],
) -> T:
    """Write the manifest as the rows were when looked at; then, with `then`, what the holder has to write next.

    A manifest says that a workflow which `is_whole` is archived, at that moment if not before; `then`, which is told
    the moment, has the row say so.

    A holder can be paused in the midst of this, be overtaken, and then replace a newer manifest with its own. It shows
    when `then` raises Overtaken, and the workflow is due again: whoever takes it then writes what is true. Being
    cancelled does not keep it from that.

    Raises Overtaken, and StorageUnavailable.
    """
    return await asyncio.shield(asyncio.create_task(_write(tools, claim, workflow, look, is_whole, then)))


async def _write(
    tools: Tools,
    claim: claims.Claim,
    workflow: workflows.Kept,
    look: Look,
    is_whole: bool,
    then: Callable[[datetime], Awaitable[T]],
) -> T:
    at = look.rows.at
    name = manifests.name(claim.workflow_id, workflow.facts.created_at or claim.heard_at)
    archived_at = at if is_whole else None
    content = manifests.build(claim.workflow_id, workflow, look.results, look.rows, archived_at=archived_at)
    await tools.storage.write(name, content, media_type=manifests.MEDIA_TYPE)
    try:
        return await then(at)
    except claims.Overtaken:
        log.warning("overtaken while writing a manifest: it is written again", workflow=claim.workflow_id)
        async with tools.engine.begin() as connection:
            await due.owe(connection, [claim.workflow_id])
        raise
