"""Workflows: what is kept of each as a whole. All of it is written by its holder alone (`claims`)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Text, bindparam, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import claims, tables
from archive.claims import Claim
from orchestration import documents, statuses
from orchestration.wire import JsonObject

RETENTION = timedelta(days=30)
"""How long Civitai keeps a workflow after it ended, and its blobs."""

SENSELESS_AGE = timedelta(days=365)
"""Nobody hears of a workflow for the first time so long after its end: Civitai has forgotten it then."""

_workflows = tables.workflows.c


@dataclass(frozen=True)
class Kept:
    """The document of a workflow, whether callbacks told it and not the API, and when Civitai had forgotten it."""

    document: JsonObject | None
    told: bool
    gone_at: datetime | None


_HOLD_WITH_DOCUMENT = (
    select(_workflows.document, _workflows.document_told, _workflows.gone_at)
    .where(*claims.MINE)
    .with_for_update(key_share=True)
)
_IS_DELETED = bindparam("is_deleted", type_=Boolean)
_IS_TOLD = bindparam("is_told", type_=Boolean)
_FORGOTTEN_AT = bindparam("forgotten_at", type_=tables.Moment)
_HAD_ENDED = func.lower(_workflows.status).in_(statuses.TERMINAL)
_SAVE = (
    update(tables.workflows)
    .where(*claims.MINE)
    .values(
        fetched_at=func.now(),
        failures=0,
        last_error=None,
        missing_at=case((_IS_TOLD, _workflows.missing_at), else_=null()),
        dead_at=None,
        gone_at=case(
            (_IS_DELETED, func.coalesce(_workflows.gone_at, func.now())), (_IS_TOLD, _workflows.gone_at), else_=null()
        ),
        status=case((or_(_IS_DELETED, _HAD_ENDED), _workflows.status), else_=bindparam("fetched_status", type_=Text)),
        # Later than its end says, once it has been renewed (`extend`).
        deadline_at=case((_HAD_ENDED, func.greatest(_workflows.deadline_at, _FORGOTTEN_AT)), else_=_FORGOTTEN_AT),
        ephemeral=or_(_workflows.ephemeral, bindparam("is_ephemeral", type_=Boolean)),
    )
)


async def hold_with_document(connection: AsyncConnection, claim: Claim) -> Kept:
    """The same, and what is kept of the workflow as a whole."""
    rows = (await connection.execute(_HOLD_WITH_DOCUMENT, claims.as_mine(claim))).all()
    claims.one_row(len(rows))
    return Kept(*rows[0])


async def save(
    connection: AsyncConnection, claim: Claim, document: JsonObject, *, keep_document: bool, told: bool = False
) -> None:
    """Write what the API said of a workflow, or, `told`, what callbacks did of an ephemeral one. Raises Overtaken.

    With `keep_document` the document that is there stays: the new one names less than it. A terminal status stays
    whatever the new one says; that its owner deleted it makes the workflow gone, and any other answer of the API says
    that it is not. A deadline that `extend` has put off stays so.
    """
    workflow = documents.read(document)
    # A senseless time (in the future, or .NET's year 1) must not put the deadline out of reach, nor behind us.
    kept_since = min(workflow.completed_at or workflow.created_at or claim.heard_at, claim.claimed_at)
    if kept_since < claim.heard_at - SENSELESS_AGE:
        kept_since = claim.heard_at
    facts: dict[str, object] = {
        "is_deleted": documents.is_deleted(workflow),
        "fetched_status": workflow.status,
        "is_ephemeral": workflow.ephemeral,
        "is_told": told,
        "forgotten_at": kept_since + RETENTION,
    }
    if not keep_document:
        facts |= {
            "document": document,
            "document_told": told,
            "tags": workflow.tags,
            "metadata": workflow.metadata,
            "created_at": workflow.created_at,
            "started_at": workflow.started_at,
            "completed_at": workflow.completed_at,
            "cost": workflow.cost,
            "currency": workflow.currency,
            "nsfw_level": workflow.nsfw_level,
        }
    claims.one_row((await connection.execute(_SAVE, claims.as_mine(claim) | facts)).rowcount)


async def mark_archived(connection: AsyncConnection, claim: Claim) -> None:
    """The workflow is whole: say so now, though its holder has more to do. Raises Overtaken."""
    await _update(connection, claim, archived_at=func.coalesce(_workflows.archived_at, func.now()))


async def miss(connection: AsyncConnection, claim: Claim) -> None:
    """Civitai's API answered 404: remember since when. Raises Overtaken."""
    await _update(connection, claim, missing_at=func.coalesce(_workflows.missing_at, func.now()))


async def depart(connection: AsyncConnection, claim: Claim) -> None:
    """Civitai's API had the last word: the workflow is no more. What is kept of it stays. Raises Overtaken."""
    await _update(connection, claim, gone_at=func.coalesce(_workflows.gone_at, func.now()), last_error=None)


async def extend(connection: AsyncConnection, claim: Claim) -> None:
    """All that is not safe yet has been renewed at Civitai: its 30 days start anew. Raises Overtaken."""
    await _update(connection, claim, deadline_at=func.greatest(_workflows.deadline_at, func.now() + RETENTION))


async def _update(connection: AsyncConnection, claim: Claim, **facts: object) -> None:
    changed = update(tables.workflows).where(*claims.MINE).values(facts)
    claims.one_row((await connection.execute(changed, claims.as_mine(claim))).rowcount)
