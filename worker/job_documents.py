"""The documents of Civitai's jobs, which tell what the workflow's does not: provider and scan scores.

They are not what was paid for: no workflow waits for them to be archived.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from archive import claims, pauses
from orchestration import errors
from orchestration.wire import JsonObject
from worker import civitai
from worker.tools import Tools

REFUSED_PAUSE = timedelta(hours=1)
"""A token that may not read one job may read none: no job is asked for within this time."""

log = structlog.get_logger()


async def fetch_all(
    tools: Tools, claim: claims.Claim, missing: Sequence[str]
) -> tuple[Mapping[str, JsonObject | None], bool]:
    """What could be had of them, by the jobs' ids, and whether nothing is left that is worth asking for soon.

    None: our token may not read it, or Civitai has none.
    """
    fetched: dict[str, JsonObject | None] = {}
    for job_id in missing:
        try:
            fetched[job_id] = await _document(tools, job_id)
        except civitai.Paused:
            break  # the rest is asked for when the workflow is looked at again
        except errors.Transient as error:
            log.warning("could not fetch a job", workflow=claim.workflow_id, job=job_id, error=str(error))
        except errors.CredentialError as error:
            async with tools.engine.begin() as connection:
                await pauses.begin(connection, "jobs", length=REFUSED_PAUSE, reason=str(error))
            return fetched, True  # the token may read none, it seems: what was not asked for is left as it is
        except errors.OrchestrationError as error:
            fetched[job_id] = None
            log.info("a job has no document", workflow=claim.workflow_id, job=job_id, error=str(error))
    return fetched, len(fetched) == len(missing)


async def _document(tools: Tools, job_id: str) -> JsonObject:
    return tools.access.strike_document(await civitai.ask(tools, partial(tools.api.job, job_id)))
