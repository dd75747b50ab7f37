"""Results: the places in a workflow where content appears, and how each settles.

A result is settled once it is stored, withheld, gone or dead. Until then it is tried whenever its `next_attempt_at`
has come. Callers hold the workflow (`claims.hold`) while they write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, FromClause, Select, and_, bindparam, case, func, null, select
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
    width: int | None
    height: int | None
    duration: float | None
    blocked_reason: str | None
    last_error: str | None
    stored_at: datetime | None
    withheld_at: datetime | None
    gone_at: datetime | None
    dead_at: datetime | None
    pruned_at: datetime | None
    next_attempt_at: datetime

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is owed to it."""
        return any((self.stored_at, self.withheld_at, self.gone_at, self.dead_at))


# Statements are built once: building one costs more than running it.
_NEW = postgresql.insert(tables.results).values(
    withheld_at=case((bindparam("is_withheld", type_=Boolean), func.now()), else_=null()),
    next_attempt_at=func.now(),
)
_HAS_JUST_APPEARED = and_(_results.url.is_(None), _NEW.excluded.url.is_not(None))
_ADD = _NEW.on_conflict_do_update(
    index_elements=["workflow_id", "step", "path"],
    set_={
        **{
            name: func.coalesce(_NEW.excluded[name], _results[name])
            for name in ("blob_id", "kind", "width", "height", "duration", "nsfw_level", "url")
        },
        "url_expires_at": case(
            (_NEW.excluded.url.is_(None), _results.url_expires_at), else_=_NEW.excluded.url_expires_at
        ),
        "blocked_reason": _NEW.excluded.blocked_reason,
        "withheld_at": _NEW.excluded.withheld_at,
        "next_attempt_at": case((_HAS_JUST_APPEARED, func.now()), else_=_results.next_attempt_at),
    },
    where=unsettled(tables.results),
)
_PENDING = (
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
    .where(_results.workflow_id == bindparam("of_workflow"), unsettled(tables.results))
    .order_by(_results.id)
)
_KEPT_OF_ANY: Select[Any] = (
    select(
        _results.step,
        _results.path,
        _results.role,
        _results.blob_id,
        _results.kind,
        func.encode(_results.object_digest, "hex"),
        tables.objects.c.size,
        tables.objects.c.media_type,
        tables.objects.c.width,
        tables.objects.c.height,
        tables.objects.c.duration,
        _results.blocked_reason,
        _results.last_error,
        _results.stored_at,
        _results.withheld_at,
        _results.gone_at,
        _results.dead_at,
        _results.pruned_at,
        _results.next_attempt_at,
    )
    .outerjoin(tables.objects)
    .order_by(_results.id)
)
_KEPT = _KEPT_OF_ANY.where(_results.workflow_id == bindparam("of_workflow"))
_KEPT_OF_EACH = _KEPT_OF_ANY.add_columns(_results.workflow_id).where(
    _results.workflow_id.in_(bindparam("of_workflows", expanding=True))
)


async def add(connection: AsyncConnection, workflow_id: str, found: Sequence[Found]) -> None:
    """Add the results that a document names, and freshen those that are not settled. None is ever removed.

    A result that is not available and says why is withheld, which settles it.
    """
    if not found:
        return
    await connection.execute(
        _ADD,
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
    return [Pending(*row) for row in await connection.execute(_PENDING, {"of_workflow": workflow_id})]


async def kept(connection: AsyncConnection, workflow_id: str) -> Sequence[Kept]:
    """Every result of a workflow, as its manifest tells them."""
    return [Kept(*row) for row in await connection.execute(_KEPT, {"of_workflow": workflow_id})]


async def kept_of_each(connection: AsyncConnection, workflow_ids: Sequence[str]) -> dict[str, list[Kept]]:
    """The same of several workflows, by their ids; every one of these has an entry."""
    of_each: dict[str, list[Kept]] = {workflow_id: [] for workflow_id in workflow_ids}
    for *facts, workflow_id in await connection.execute(_KEPT_OF_EACH, {"of_workflows": workflow_ids}):
        of_each[workflow_id].append(Kept(*facts))
    return of_each
