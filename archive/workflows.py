"""Workflows: which are due, who holds one, and what its holder may write.

A claim is a conditional UPDATE that counts `attempts`; its number is the holder's fencing token. Every later write of
the holder goes through `hold` or names that number, so one that was paused and overtaken writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import pauses, tables
from orchestration import documents, statuses, wire
from orchestration.wire import JsonObject

RETENTION = timedelta(days=30)
"""How long Civitai keeps a workflow after it ended, and its blobs."""

LEASE = timedelta(seconds=15)
"""How long a claim lasts without a sign of life from its holder."""

_workflows = tables.workflows.c


class Overtaken(Exception):
    """The lease ran out and somebody else claimed the workflow: this holder must write nothing more."""


@dataclass(frozen=True)
class Claim:
    """A workflow taken: by which attempt, and what stood in its row at that moment."""

    workflow_id: str
    attempt: int
    last_event_id: int | None
    status: str | None
    ephemeral: bool
    heard_at: datetime
    deadline_at: datetime
    missing_at: datetime | None
    archived_at: datetime | None
    failures: int
    claimed_at: datetime


@dataclass(frozen=True)
class Kept:
    """The document of a workflow, whether callbacks told it and not the API, and when Civitai had forgotten it."""

    document: JsonObject | None
    told: bool
    gone_at: datetime | None


async def claim(connection: AsyncConnection, workflow_id: str) -> Claim | None:
    """Take the workflow if something is owed and nobody holds it; None when another got there first."""
    taken = (
        update(tables.workflows)
        .where(_workflows.id == workflow_id, _is_due())
        .values(leased_until=func.now() + LEASE, attempts=_workflows.attempts + 1)
        .returning(
            _workflows.id,
            _workflows.attempts,
            _workflows.last_event_id,
            _workflows.status,
            _workflows.ephemeral,
            _workflows.heard_at,
            _workflows.deadline_at,
            _workflows.missing_at,
            _workflows.archived_at,
            _workflows.failures,
            func.now(),
        )
    )
    row = (await connection.execute(taken)).one_or_none()
    return Claim(*row) if row else None


async def renew(connection: AsyncConnection, claim: Claim) -> None:
    """The holder's sign of life: the lease starts anew. Raises Overtaken, also once it has been given back."""
    held = _workflows.leased_until.is_not(None)
    lease = {"leased_until": func.now() + LEASE}
    result = await connection.execute(update(tables.workflows).where(*_is_mine(claim), held).values(lease))
    _one_row(result.rowcount)


async def hold(connection: AsyncConnection, claim: Claim) -> None:
    """Begin a transaction that writes for the holder: until it ends nobody can overtake. Raises Overtaken."""
    row = select(_workflows.id).where(*_is_mine(claim)).with_for_update(key_share=True)
    _one_row(len((await connection.execute(row)).all()))


async def hold_with_document(connection: AsyncConnection, claim: Claim) -> Kept:
    """The same, and what is kept of the workflow as a whole."""
    columns = select(_workflows.document, _workflows.document_told, _workflows.gone_at)
    rows = (await connection.execute(columns.where(*_is_mine(claim)).with_for_update(key_share=True))).all()
    _one_row(len(rows))
    return Kept(*rows[0])


async def save(
    connection: AsyncConnection, claim: Claim, document: JsonObject, *, keep_document: bool, told: bool = False
) -> None:
    """Write what the API said of a workflow, or, `told`, what callbacks did of an ephemeral one. Raises Overtaken.

    With `keep_document` the document that is there stays: the new one names less than it. A terminal status stays
    whatever the new one says; that its owner deleted it makes the workflow gone.
    """
    workflow = documents.read(document)
    # Nothing has ended in the future: a senseless time must not put the deadline off for ever, or out of range.
    kept_since = min(workflow.completed_at or workflow.created_at or claim.heard_at, claim.claimed_at)
    facts: dict[str, object] = {
        "fetched_at": func.now(),
        "deadline_at": kept_since + RETENTION,
        "failures": 0,
        "last_error": None,
        "missing_at": None,
        "dead_at": None,
    }
    if documents.is_deleted(workflow):
        facts["gone_at"] = func.coalesce(_workflows.gone_at, func.now())
    else:
        has_ended = func.lower(_workflows.status).in_(statuses.TERMINAL)
        facts["status"] = case((has_ended, _workflows.status), else_=workflow.status)
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
            "ephemeral": True if workflow.ephemeral else _workflows.ephemeral,
        }
    result = await connection.execute(update(tables.workflows).where(*_is_mine(claim)).values(facts))
    _one_row(result.rowcount)


async def miss(connection: AsyncConnection, claim: Claim) -> None:
    """Civitai's API answered 404: remember since when. Raises Overtaken."""
    since = {"missing_at": func.coalesce(_workflows.missing_at, func.now())}
    result = await connection.execute(update(tables.workflows).where(*_is_mine(claim)).values(since))
    _one_row(result.rowcount)


async def depart(connection: AsyncConnection, claim: Claim) -> None:
    """Civitai's API had the last word: the workflow is no more. What is kept of it stays. Raises Overtaken."""
    gone = {"gone_at": func.coalesce(_workflows.gone_at, func.now()), "last_error": None}
    result = await connection.execute(update(tables.workflows).where(*_is_mine(claim)).values(gone))
    _one_row(result.rowcount)


async def extend(connection: AsyncConnection, claim: Claim) -> None:
    """All that is not safe yet has been renewed at Civitai: its 30 days start anew. Raises Overtaken."""
    renewed = {"deadline_at": func.greatest(_workflows.deadline_at, func.now() + RETENTION)}
    result = await connection.execute(update(tables.workflows).where(*_is_mine(claim)).values(renewed))
    _one_row(result.rowcount)


async def release(connection: AsyncConnection, claim: Claim, *, due_at: datetime | None) -> bool:
    """Give the workflow back, due again at `due_at`: at once if an event came meanwhile. Whether it is due now.

    Raises Overtaken.
    """
    return await _give_back(connection, claim, {}, due_at)


async def release_failed(connection: AsyncConnection, claim: Claim, *, error: str, due_at: datetime) -> bool:
    """Give the workflow back after a try that failed, counted. Raises Overtaken."""
    facts = {"failures": _workflows.failures + 1, "last_error": wire.storable(error)}
    return await _give_back(connection, claim, facts, due_at)


async def bury(connection: AsyncConnection, claim: Claim, *, error: str) -> bool:
    """Give up on the workflow, with the reason; an event or a person can make it due again. Raises Overtaken."""
    facts = {"dead_at": func.now(), "failures": _workflows.failures + 1, "last_error": wire.storable(error)}
    return await _give_back(connection, claim, facts, None)


async def seal(connection: AsyncConnection, claim: Claim, *, due_at: datetime | None) -> bool:
    """The workflow is whole: archived, the first time that it was. Raises Overtaken."""
    archived: dict[str, object] = {"archived_at": func.coalesce(_workflows.archived_at, func.now())}
    return await _give_back(connection, claim, archived, due_at)


async def due(connection: AsyncConnection, limit: int, *, unanswered: timedelta) -> Sequence[str]:
    """Workflows that have been due for longer than `unanswered` and that nobody holds, nearest deadline first."""
    query = (
        select(_workflows.id)
        .where(_is_due(), _workflows.due_at < func.now() - unanswered)
        .order_by(_workflows.deadline_at)
        .limit(limit)
    )
    return (await connection.execute(query)).scalars().all()


async def _give_back(
    connection: AsyncConnection, claim: Claim, facts: dict[str, object], due_at: datetime | None
) -> bool:
    nothing_new = _workflows.last_event_id.is_not_distinct_from(claim.last_event_id)
    given = (
        update(tables.workflows)
        .where(*_is_mine(claim))
        .values(leased_until=None, due_at=case((nothing_new, due_at), else_=func.now()), **facts)
        .returning(_workflows.due_at <= func.now())
    )
    rows = (await connection.execute(given)).scalars().all()
    _one_row(len(rows))
    return bool(rows[0])


def _is_due() -> ColumnElement[bool]:
    free = or_(_workflows.leased_until.is_(None), _workflows.leased_until < func.now())
    return (_workflows.due_at <= func.now()) & free & pauses.none_holds()


def _is_mine(claim: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _workflows.id == claim.workflow_id, _workflows.attempts == claim.attempt


def _one_row(count: int) -> None:
    if count != 1:
        raise Overtaken
