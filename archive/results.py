"""Results: the places in a workflow where content appears, and how each settles.

A result is settled once it is stored, withheld, gone or dead. Until then it is tried whenever its `next_attempt_at`
has come. Callers hold the workflow (`claims.hold`) while they write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, FromClause, Select, Text, and_, bindparam, case, func, null, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import database, tables
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
_FOUND = (
    "workflow_id",
    "step",
    "path",
    "role",
    "blob_id",
    "kind",
    "width",
    "height",
    "duration",
    "nsfw_level",
    "url",
    "url_expires_at",
    "blocked_reason",
)
_given = database.given(*(_results[name] for name in _FOUND), Column("is_withheld", Boolean))
_NEW = postgresql.insert(tables.results).from_select(
    [*_FOUND, "withheld_at", "next_attempt_at"],
    select(*(_given.c[name] for name in _FOUND), case((_given.c.is_withheld, func.now()), else_=null()), func.now()),
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
_OF_THESE = _results.workflow_id == func.any(bindparam("of_workflows", type_=ARRAY(Text)))
_PENDING = (
    select(
        _results.workflow_id,
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
    .where(_OF_THESE, unsettled(tables.results))
    .order_by(_results.id)
)
_KEPT: Select[Any] = (
    select(
        _results.workflow_id,
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
    .where(_OF_THESE)
    .order_by(_results.id)
)


async def add(connection: AsyncConnection, workflow_id: str, found: Sequence[Found]) -> None:
    """Add the results that a document names, and freshen those that are not settled. None is ever removed.

    A result that is not available and says why is withheld, which settles it.
    """
    await add_each(connection, {workflow_id: found})


async def add_each(connection: AsyncConnection, found: Mapping[str, Sequence[Found]]) -> None:
    """The same for several workflows, by id."""
    # By place, since no row can be inserted twice by one statement.
    rows = {
        (workflow_id, one.step, one.path): {
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
        for workflow_id, in_document in found.items()
        for one in in_document
    }
    if rows:
        await connection.execute(_ADD, {"rows": list(rows.values())})


async def pending(connection: AsyncConnection, workflow_id: str) -> Sequence[Pending]:
    """The results of a workflow that are not settled, in the order in which they were found."""
    return (await pending_of_each(connection, [workflow_id]))[workflow_id]


async def pending_of_each(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Sequence[Pending]]:
    """The same for several workflows, by id."""
    found: dict[str, list[Pending]] = {workflow_id: [] for workflow_id in workflow_ids}
    for workflow_id, *row in await connection.execute(_PENDING, {"of_workflows": workflow_ids}):
        found[workflow_id].append(Pending(*row))
    return found


async def kept(connection: AsyncConnection, workflow_id: str) -> Sequence[Kept]:
    """Every result of a workflow, as its manifest tells them."""
    return (await kept_of_each(connection, [workflow_id]))[workflow_id]


async def kept_of_each(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Mapping[str, Sequence[Kept]]:
    """The same for several workflows, by id."""
    found: dict[str, list[Kept]] = {workflow_id: [] for workflow_id in workflow_ids}
    for workflow_id, *row in await connection.execute(_KEPT, {"of_workflows": workflow_ids}):
        found[workflow_id].append(Kept(*row))
    return found
