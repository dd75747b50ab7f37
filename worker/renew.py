"""Renewing at Civitai what cannot be stored here in time."""

from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from archive import claims, results, workflows
from orchestration import errors
from worker import civitai
from worker.tools import Tools

AT_RISK = timedelta(days=5)
"""So near to its deadline, a blob that storage cannot take is renewed: a refresh starts its 30 days anew."""

log = structlog.get_logger()


async def renew_at_risk(tools: Tools, claim: claims.Claim) -> None:
    """If the deadline is near, refresh every result that is not settled; the deadline moves if all of them were.

    One that Civitai refuses does not keep the others from it; when it does not answer, there is no use in going on.
    """
    if claim.deadline_at - datetime.now(UTC) > AT_RISK:
        return
    async with tools.engine.connect() as connection:
        pending = await results.pending(connection, claim.workflow_id)
    at_risk = [result for result in pending if result.blob_id is None]
    blob_ids = dict.fromkeys(result.blob_id for result in pending if result.blob_id is not None)
    try:
        for blob_id in blob_ids:
            try:
                await civitai.ask(tools, partial(tools.api.refresh, blob_id))
            except (errors.CredentialError, errors.NotFound, errors.Permanent) as error:
                log.error("a blob could not be renewed", workflow=claim.workflow_id, blob=blob_id, error=str(error))
                at_risk += [result for result in pending if result.blob_id == blob_id]
    except (errors.Transient, civitai.Paused) as error:
        log.error("at risk, and could not be renewed", workflow=claim.workflow_id, error=str(error))
        return
    if at_risk:
        log.error("at risk, and could not be renewed", workflow=claim.workflow_id, results=len(at_risk))
        return
    async with tools.engine.begin() as connection:
        await workflows.extend(connection, claim)
    log.warning("renewed at Civitai, since storage cannot take it", workflow=claim.workflow_id, blobs=len(blob_ids))
