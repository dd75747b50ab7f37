"""Workflows: what is kept of each as a whole. All of it is written by its holder alone (`claims`)."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, Boolean, Column, Text, bindparam, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import claims, database, hours, tables
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

    @functools.cached_property
    def facts(self) -> documents.Workflow:
        """What the document says; nothing, if there is none."""
        return documents.read(self.document or {})

    @property
    def has_ended(self) -> bool:
        """Whether the document is that of an end."""
        return statuses.is_terminal(self.facts.status)


@dataclass(frozen=True)
class Told:
    """A document to be saved: the API's, or what callbacks told of an ephemeral workflow.

    With `keep_document` the one that is there stays: the new one names less than it.
    """

    claim: Claim
    new: Kept
    keep_document: bool


_DOCUMENTS = select(
    _workflows.id, _workflows.attempts, _workflows.document, _workflows.document_told, _workflows.gone_at
).where(_workflows.id == func.any(bindparam("claimed_ids", type_=ARRAY(Text))))

_OF_THE_DOCUMENT = (
    "document",
    "document_told",
    "tags",
    "metadata",
    "created_at",
    "started_at",
    "completed_at",
    "cost",
    "currency",
    "nsfw_level",
)
_given = database.given(
    _workflows.id,
    _workflows.attempts,
    _workflows.status,
    _workflows.ephemeral,
    _workflows.deadline_at,
    Column("is_deleted", Boolean),
    Column("keep_document", Boolean),
    *(_workflows[name] for name in _OF_THE_DOCUMENT),
)
_HAD_ENDED = func.lower(_workflows.status).in_(statuses.TERMINAL)
_SAVE = (
    update(tables.workflows)
    .where(_workflows.id == _given.c.id, _workflows.attempts == _given.c.attempts)
    .values(
        fetched_at=func.now(),
        failures=0,
        last_error=None,
        missing_at=case((_given.c.document_told, _workflows.missing_at), else_=null()),
        dead_at=None,
        gone_at=case(
            (_given.c.is_deleted, func.coalesce(_workflows.gone_at, func.now())),
            (_given.c.document_told, _workflows.gone_at),
            else_=null(),
        ),
        status=case((or_(_given.c.is_deleted, _HAD_ENDED), _workflows.status), else_=_given.c.status),
        # Later than its end says, once it has been renewed (`extend`).
        deadline_at=case(
            (_HAD_ENDED, func.greatest(_workflows.deadline_at, _given.c.deadline_at)), else_=_given.c.deadline_at
        ),
        ephemeral=or_(_workflows.ephemeral, _given.c.ephemeral),
        **{name: case((_given.c.keep_document, _workflows[name]), else_=_given.c[name]) for name in _OF_THE_DOCUMENT},
    )
    .returning(_workflows.id)
)


_whole = database.given(_workflows.id, _workflows.archived_at)
_MARK_ARCHIVED = (
    update(tables.workflows)
    .where(_workflows.id == _whole.c.id)
    .values(archived_at=func.coalesce(_workflows.archived_at, _whole.c.archived_at))
)


async def hold_with_documents(connection: AsyncConnection, held: Iterable[Claim]) -> Mapping[Claim, Kept]:
    """Begin a transaction that writes for these holders, as `claims.hold_each` does, with what is kept of each."""
    by_key = {(claim.workflow_id, claim.attempt): claim for claim in await claims.hold_each(connection, held)}
    documents_of = await connection.execute(_DOCUMENTS, {"claimed_ids": [workflow_id for workflow_id, _ in by_key]})
    return {by_key[workflow_id, attempt]: Kept(*kept) for workflow_id, attempt, *kept in documents_of}


async def save(
    connection: AsyncConnection, claim: Claim, document: JsonObject, *, keep_document: bool, told: bool = False
) -> None:
    """Write what was said of a workflow, by callbacks if `told`, see `Told`. Raises Overtaken.

    A terminal status stays whatever the new one says; that its owner deleted it makes the workflow gone, and any other
    answer of the API says that it is not. A deadline that `extend` has put off stays so.
    """
    claims.one_row(await save_each(connection, [Told(claim, Kept(document, told, gone_at=None), keep_document)]))


async def save_each(connection: AsyncConnection, told: Sequence[Told]) -> int:
    """The same for several; those of claims that have been overtaken are left out. How many were written."""
    rows = [_row(one) for one in told]
    saved = (await connection.execute(_SAVE, {"rows": rows})).all()
    submitted = [row["created_at"] for row in rows] + [one.claim.heard_at for one in told]
    await hours.recount(connection, filter(None, submitted))
    return len(saved)


async def mark_archived(connection: AsyncConnection, moments: Mapping[str, datetime]) -> None:
    """These workflows, by id, were whole then, if not before: say so, though their holders have more to do."""
    rows = [{"id": workflow_id, "archived_at": at} for workflow_id, at in moments.items()]
    await connection.execute(_MARK_ARCHIVED, {"rows": rows})


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


def _row(told: Told) -> JsonObject:
    workflow, claim = told.new.facts, told.claim
    # A senseless time (in the future, or .NET's year 1) must not put the deadline out of reach, nor behind us.
    kept_since = min(workflow.completed_at or workflow.created_at or claim.heard_at, claim.claimed_at)
    if kept_since < claim.heard_at - SENSELESS_AGE:
        kept_since = claim.heard_at
    return {
        "id": claim.workflow_id,
        "attempts": claim.attempt,
        "status": workflow.status,
        "ephemeral": workflow.ephemeral,
        "deadline_at": kept_since + RETENTION,
        "is_deleted": documents.is_deleted(workflow),
        "keep_document": told.keep_document,
        "document": told.new.document,
        "document_told": told.new.told,
        "tags": workflow.tags,
        "metadata": workflow.metadata,
        "created_at": workflow.created_at,
        "started_at": workflow.started_at,
        "completed_at": workflow.completed_at,
        "cost": workflow.cost,
        "currency": workflow.currency,
        "nsfw_level": workflow.nsfw_level,
    }
