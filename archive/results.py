"""Results: the places in a workflow where content appears, and how each settles.

A result is settled once it is stored, withheld, gone or dead. Until then it is tried whenever its `next_attempt_at`
has come. Callers hold the workflow (`workflows.hold`) while they write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, FromClause, and_, bindparam, case, func, null, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import tables
from orchestration.results import Found

_results = tables.results.c


def unsettled(table: FromClause) -> ColumnElement[bool]:
    """The condition that a row of `results`, or of an alias of it, has not been settled in any way."""
    return func.num_nonnulls(table.c.stored_at, table.c.withheld_at, table.c.gone_at, table.c.dead_at) == 0


@dataclass(frozen=True)
class Pending:
    """A result that is not settled, and what is needed to fetch it."""

    id: int
    step: str
    path: str
    blob_id: str | None
    kind: str | None
    url: str | None
    url_expires_at: datetime | None
    attempts: int
    missing_at: datetime | None
    next_attempt_at: datetime
    is_due: bool


@dataclass(frozen=True)
class Kept:
    """A result as a manifest tells it; `digest` is the SHA-256 of its bytes in hex."""

    step: str
    path: str
    role: str
    blob_id: str | None
    kind: str | None
    digest: str | None
    size: int | None
    media_type: str | None
    blocked_reason: str | None
    last_error: str | None
    stored_at: datetime | None
    withheld_at: datetime | None
    gone_at: datetime | None
    dead_at: datetime | None
    next_attempt_at: datetime

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is owed to it."""
        return any((self.stored_at, self.withheld_at, self.gone_at, self.dead_at))


async def add(connection: AsyncConnection, workflow_id: str, found: Sequence[Found]) -> None:
    """Add the results that a document names, and freshen those that are not settled. None is ever removed.

    A result that is not available and says why is withheld, which settles it.
    """
    if not found:
        return
    row = postgresql.insert(tables.results).values(
        withheld_at=case((bindparam("is_withheld", type_=Boolean), func.now()), else_=null()),
        next_attempt_at=func.now(),
    )
    new = row.excluded
    has_just_appeared = and_(_results.url.is_(None), new.url.is_not(None))
    freshened = {
        "blob_id": func.coalesce(new.blob_id, _results.blob_id),
        "kind": func.coalesce(new.kind, _results.kind),
        "width": func.coalesce(new.width, _results.width),
        "height": func.coalesce(new.height, _results.height),
        "duration": func.coalesce(new.duration, _results.duration),
        "nsfw_level": func.coalesce(new.nsfw_level, _results.nsfw_level),
        "url": func.coalesce(new.url, _results.url),
        "url_expires_at": case((new.url.is_(None), _results.url_expires_at), else_=new.url_expires_at),
        "blocked_reason": new.blocked_reason,
        "withheld_at": new.withheld_at,
        "next_attempt_at": case((has_just_appeared, func.now()), else_=_results.next_attempt_at),
    }
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["workflow_id", "step", "path"], set_=freshened, where=unsettled(tables.results)
        ),
        [
            {
                "workflow_id": workflow_id,
                "step": one.step,
                "path": one.path,
                "role": one.role,
                "blob_id": one.blob_id,
                "kind": one.kind,
                "width": one.width,
                "height": one.height,
                "duration": one.duration,
                "nsfw_level": one.nsfw_level,
                # Until it is available there may be a URL already, and a placeholder behind it.
                "url": None if one.available is False else one.url,
                "url_expires_at": one.url_expires_at,
                "blocked_reason": one.blocked_reason,
                "is_withheld": bool(one.blocked_reason) and not one.available,
            }
            for one in found
        ],
    )


async def pending(connection: AsyncConnection, workflow_id: str) -> Sequence[Pending]:
    """The results of a workflow that are not settled, in the order in which they were found."""
    query = (
        select(
            _results.id,
            _results.step,
            _results.path,
            _results.blob_id,
            _results.kind,
            _results.url,
            _results.url_expires_at,
            _results.attempts,
            _results.missing_at,
            _results.next_attempt_at,
            (_results.next_attempt_at <= func.now()),
        )
        .where(_results.workflow_id == workflow_id, unsettled(tables.results))
        .order_by(_results.id)
    )
    return [Pending(*row) for row in await connection.execute(query)]


async def settle_stored_elsewhere(connection: AsyncConnection, workflow_id: str) -> None:
    """Point the workflow's results to the objects under which their blobs are stored already, for whatever workflow."""
    elsewhere = tables.results.alias("elsewhere")
    sound = and_(tables.objects.c.damaged_at.is_(None), tables.objects.c.deleting_at.is_(None))
    await connection.execute(
        update(tables.results)
        .where(_results.workflow_id == workflow_id, unsettled(tables.results))
        .where(_results.blob_id == elsewhere.c.blob_id, elsewhere.c.stored_at.is_not(None))
        .where(elsewhere.c.object_digest == tables.objects.c.digest, sound)
        .values(stored_at=func.now(), object_digest=elsewhere.c.object_digest, last_error=None)
    )


async def leave_to_others(connection: AsyncConnection, workflow_id: str, *, seconds: float) -> None:
    """Put off, uncounted, what another workflow's owner is downloading at this moment: soon it will be stored."""
    elsewhere, owner = tables.results.alias("elsewhere"), tables.workflows.alias("owner")
    await connection.execute(
        update(tables.results)
        .where(_results.workflow_id == workflow_id, unsettled(tables.results))
        .where(elsewhere.c.blob_id == _results.blob_id, unsettled(elsewhere))
        .where(elsewhere.c.next_attempt_at <= func.now(), elsewhere.c.workflow_id != workflow_id)
        .where(owner.c.id == elsewhere.c.workflow_id, owner.c.leased_until > func.now())
        .values(next_attempt_at=func.now() + timedelta(seconds=seconds))
    )


async def kept(connection: AsyncConnection, workflow_id: str) -> Sequence[Kept]:
    """Every result of a workflow, as its manifest tells them."""
    query = (
        select(
            _results.step,
            _results.path,
            _results.role,
            _results.blob_id,
            _results.kind,
            func.encode(_results.object_digest, "hex"),
            tables.objects.c.size,
            tables.objects.c.media_type,
            _results.blocked_reason,
            _results.last_error,
            _results.stored_at,
            _results.withheld_at,
            _results.gone_at,
            _results.dead_at,
            _results.next_attempt_at,
        )
        .outerjoin(tables.objects)
        .where(_results.workflow_id == workflow_id)
        .order_by(_results.id)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return [Kept(*row) for row in rows]
