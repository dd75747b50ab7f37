"""Names for people, kept current as workflows are archived."""

from collections.abc import Sequence

import structlog

from archive import claims, results
from archive.names import naming
from orchestration.wire import JsonObject
from worker.tools import Tools

log = structlog.get_logger()


async def name_files(tools: Tools, claim: claims.Claim, document: JsonObject, kept: Sequence[results.Kept]) -> None:
    """Give a workflow's stored results their names in `browse/`, if there is to be one.

    It is a view that can be made anew: what goes wrong is logged, and holds nothing up.
    """
    if tools.browse is None:
        return
    try:
        await tools.browse.show(naming.files(tools.browse.template, claim.workflow_id, claim.heard_at, document, kept))
    except OSError as error:
        log.warning(
            "results have no names in browse/; civitai-archive browse makes them, BROWSE_TEMPLATE=off asks for none",
            workflow=claim.workflow_id,
            error=str(error),
        )
