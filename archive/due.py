"""What is due: the workflows that oblige us and that nobody holds, in the order in which the sweep rings for them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Boolean, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import pauses, tables

_workflows = tables.workflows.c
_IS_BACKFILLED = literal_column(tables.BACKFILLED, Boolean)


def to_be_claimed() -> ColumnElement[bool]:
    """The condition that a workflow is due, that nobody holds it, and that no pause keeps us from it."""
    free = or_(_workflows.leased_until.is_(None), _workflows.leased_until < func.now())
    return (_workflows.due_at <= func.now()) & free & pauses.none_holds()


async def live(connection: AsyncConnection, limit: int, *, unanswered: timedelta) -> Sequence[str]:
    """Workflows that have been due for longer than `unanswered` and that nobody holds, nearest deadline first.

    Without what is backfilled, which `backfilled` gives.
    """
    query = (
        select(_workflows.id)
        .where(_IS_BACKFILLED.is_(False), to_be_claimed(), _workflows.due_at < func.now() - unanswered)
        .order_by(_workflows.deadline_at)
        .limit(limit)
    )
    return (await connection.execute(query)).scalars().all()


async def backfilled(connection: AsyncConnection, at_once: int, *, unanswered: timedelta) -> Sequence[str]:
    """The same of what is backfilled, but no more than keeps `at_once` of them under way: of the first so many that
    are due, those that nobody holds.
    """
    first = (
        select(_workflows.id, _workflows.leased_until, _workflows.due_at)
        .where(_IS_BACKFILLED.is_(True), _workflows.due_at <= func.now(), pauses.none_holds())
        .order_by(_workflows.deadline_at)
        .limit(at_once)
        .subquery()
    )
    free = or_(first.c.leased_until.is_(None), first.c.leased_until < func.now())
    query = select(first.c.id).where(free, first.c.due_at < func.now() - unanswered)
    return (await connection.execute(query)).scalars().all()
