"""Redrive: a person has what we gave up tried again. Nothing known is forgotten, and nothing stands in its way.

What is redriven is due now, with its tries counted from none; the failed ones stay in `attempts`. Whoever holds such a
workflow at this moment is overtaken, since what he was about to write came before the wish.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import due, tables

BATCH = 500

_workflows = tables.workflows.c
_results = tables.results.c
_GIVEN_UP = or_(_workflows.dead_at.is_not(None), _workflows.gone_at.is_not(None))
_WITHOUT_BYTES = or_(_results.dead_at.is_not(None), _results.withheld_at.is_not(None), _results.gone_at.is_not(None))


@dataclass(frozen=True)
class Choice:
    """What to redrive; every wish narrows it.

    workflow_id: this one with all that it lacks, and even if it lacks nothing. blob_id: this blob, wherever it appears.
    dead: what is dead, and neither withheld nor gone. since: what ended so at that time or later. reason: what says
    this, in upper or lower case, in its last error or the reason for which it is withheld.
    """

    workflow_id: str | None = None
    blob_id: str | None = None
    dead: bool = False
    since: datetime | None = None
    reason: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was wished: that would be everything."""
        return not any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class Redriven:
    """How many workflows, and how many results that had not been stored, are due again."""

    workflows: int
    results: int

    def __add__(self, other: "Redriven") -> "Redriven":
        return Redriven(self.workflows + other.workflows, self.results + other.results)


async def chosen(connection: AsyncConnection, choice: Choice, *, after: str = "") -> Sequence[str]:
    """The next workflows, by id, at most a batch of them, in which something is chosen."""
    query = select(_workflows.id).where(_workflows.id.in_(_matching(choice)), _workflows.id > after)
    return (await connection.execute(query.order_by(_workflows.id).limit(BATCH))).scalars().all()


async def count(connection: AsyncConnection, choice: Choice) -> Redriven:
    """How many it would be."""
    matching = _matching(choice).subquery()
    workflows = await connection.scalar(select(func.count()).select_from(matching))
    results = await connection.scalar(select(func.count()).select_from(tables.results).where(_result_matches(choice)))
    return Redriven(workflows or 0, results or 0)


async def make_due(connection: AsyncConnection, choice: Choice, workflow_ids: Sequence[str]) -> Redriven:
    """Make these workflows due, and what is chosen of their results."""
    await due.lock(connection, workflow_ids)
    results = await connection.execute(
        update(tables.results)
        .where(_results.workflow_id.in_(workflow_ids), _result_matches(choice))
        .values(dead_at=None, withheld_at=None, gone_at=None, missing_at=None, attempts=0, next_attempt_at=func.now())
    )
    workflows = await connection.execute(
        update(tables.workflows)
        .where(_workflows.id.in_(workflow_ids))
        .values(due.AFRESH | {"dead_at": None, "gone_at": None, "missing_at": None})
    )
    return Redriven(workflows.rowcount, results.rowcount)


def _matching(choice: Choice) -> Select[tuple[str]]:
    """The ids of the workflows in which something is chosen: themselves, or results of theirs."""
    results = select(_results.workflow_id).where(_result_matches(choice))
    if choice.blob_id is not None:
        return select(results.subquery().c.workflow_id).distinct()
    return select(union(results, select(_workflows.id).where(_workflow_matches(choice))).subquery().c.workflow_id)


def _workflow_matches(choice: Choice) -> ColumnElement[bool]:
    is_all = choice == Choice(workflow_id=choice.workflow_id)
    wishes = [true() if choice.workflow_id is not None and is_all else _GIVEN_UP]
    if choice.workflow_id is not None:
        wishes.append(_workflows.id == choice.workflow_id)
    if choice.dead:
        wishes.append(_workflows.dead_at.is_not(None))
    if choice.since is not None:
        wishes.append(func.coalesce(_workflows.dead_at, _workflows.gone_at) >= choice.since)
    if choice.reason is not None:
        wishes.append(_workflows.last_error.icontains(choice.reason, autoescape=True))
    return and_(*wishes)


def _result_matches(choice: Choice) -> ColumnElement[bool]:
    wishes = [_WITHOUT_BYTES]
    if choice.workflow_id is not None:
        wishes.append(_results.workflow_id == choice.workflow_id)
    if choice.blob_id is not None:
        wishes.append(_results.blob_id == choice.blob_id)
    if choice.dead:
        wishes.append(_results.dead_at.is_not(None))
    if choice.since is not None:
        wishes.append(func.coalesce(_results.dead_at, _results.withheld_at, _results.gone_at) >= choice.since)
    if choice.reason is not None:
        told = (_results.last_error, _results.blocked_reason)
        wishes.append(or_(*(column.icontains(choice.reason, autoescape=True) for column in told)))
    return and_(*wishes)
