"""A workflow that storage knows and the database does not, since it was lost: nothing known of it may be replaced."""

import contextlib

import structlog

from archive import claims, manifest_rows, manifests
from archive.storage_errors import StorageUnavailable
from orchestration import documents
from orchestration.wire import JsonObject
from worker.tools import Tools

log = structlog.get_logger()


async def take_in_manifest(tools: Tools, claim: claims.Claim, document: JsonObject) -> None:
    """Before a workflow's first document is saved: if a manifest lies where its own will, make rows of that one.

    A callback or a listing may name a workflow before, or while, a lost database is rebuilt. By then Civitai may have
    forgotten what storage still tells, and the manifest of this run would be all that the rebuild finds.

    Raises Overtaken if there was one: whoever claims the workflow next begins with what it told.
    """
    created_at = documents.read(document).created_at
    name = manifests.name(claim.workflow_id, created_at or claim.heard_at)
    manifest = None
    # Storage that is away keeps nobody from saving the document; one that cannot be read is replaced.
    with contextlib.suppress(FileNotFoundError, StorageUnavailable, manifests.Unreadable):
        manifest = manifests.read(b"".join([chunk async for chunk in tools.storage.read(name)]))
    if manifest is None or manifest.workflow_id != claim.workflow_id or not manifest.rows["workflow"].get("fetched_at"):
        return
    log.warning("storage knows a workflow that the database did not: run civitai-archive rebuild", manifest=name)
    async with tools.engine.begin() as connection:
        await manifest_rows.add(connection, [manifest])
    raise claims.Overtaken
