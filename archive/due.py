"""What is due: the workflows that oblige us and that nobody holds, in the order in which the sweep rings for them.

What makes one due again, whoever holds it, is here too: its holder is overtaken, since what he found out is old.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Boolean, func, literal_column, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import pauses, tables

_workflows = tables.workflows.c

TIME_TO_TRY = timedelta(days=1)
"""How long what is owed afresh is tried at least, however long ago the deadline was."""

NOW = {"due_at": func.now(), "leased_until": null(), "attempts": _workflows.attempts + 1}
"""What makes a workflow due now, and overtakes its holder."""

AFRESH = NOW | {"failures": 0, "deadline_at": func.greatest(_workflows.deadline_at, func.now() + TIME_TO_TRY)}
"""The same, with its tries counted from none and time for them."""

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


async def owe(connection: AsyncConnection, workflow_ids: Sequence[str]) -> None:
    """Make workflows due now, whoever holds them."""
    await lock(connection, workflow_ids)
    await connection.execute(update(tables.workflows).where(_workflows.id.in_(workflow_ids)).values(NOW))


async def lock(connection: AsyncConnection, workflow_ids: Sequence[str]) -> None:
    """Lock workflows in one order, as the receiver's batches do, and before their results, as a holder does."""
    ours = select(_workflows.id).where(_workflows.id.in_(workflow_ids))
    await connection.execute(ours.order_by(_workflows.id).with_for_update())
