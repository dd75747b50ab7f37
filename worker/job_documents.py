"""The documents of Civitai's jobs, which tell what the workflow's does not: provider and scan scores.

They are not what was paid for: no workflow waits for them to be archived.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Fetched:
    """What could be had of them, by the jobs' ids, and whether nothing is left that is worth asking for soon.

    None: our token may not read it, or Civitai has none.
    """

    documents: Mapping[str, JsonObject | None]
    are_all: bool


@asynccontextmanager
async def beside(tools: Tools, claim: claims.Claim, missing: Sequence[str]) -> AsyncIterator[asyncio.Task[Fetched]]:
    """Ask for them while the block does something else; what has not come by its end is given up."""
    asking = asyncio.create_task(_fetch_all(tools, claim, missing))
    try:
        if not missing:
            await asking
        yield asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _fetch_all(tools: Tools, claim: claims.Claim, missing: Sequence[str]) -> Fetched:
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
            return Fetched(
                fetched, are_all=True
            )  # the token may read none, it seems: what was not asked for is left as it is
        except errors.OrchestrationError as error:
            fetched[job_id] = None
            log.info("a job has no document", workflow=claim.workflow_id, job=job_id, error=str(error))
    return Fetched(fetched, are_all=len(fetched) == len(missing))


async def _document(tools: Tools, job_id: str) -> JsonObject:
    return tools.access.strike_document(await civitai.ask(tools, partial(tools.api.job, job_id)))
