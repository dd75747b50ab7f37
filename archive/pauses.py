"""Pauses: times in which nobody calls Civitai's API. A row that every claim reads, so that all workers keep them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import case, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import tables
from orchestration import wire

Cause = Literal["rate", "credentials", "jobs"]
CAUSES: Sequence[Cause] = get_args(Cause)
"""Why: Civitai asked for fewer calls, refuses our token, or refuses it the documents of jobs (and nothing else)."""

_pauses = tables.pauses.c


@dataclass(frozen=True)
class Pause:
    """One pause that holds now."""

    cause: Cause
    since: datetime
    until: datetime
    reason: str


async def begin(connection: AsyncConnection, cause: Cause, *, length: timedelta, reason: str) -> None:
    """Pause for this long from now. One that holds already is only ever made longer."""
    row = insert(tables.pauses).values(
        cause=cause, since=func.now(), until=func.now() + length, reason=wire.storable(reason)
    )
    longer = {
        "since": case((_pauses.until > func.now(), _pauses.since), else_=row.excluded.since),
        "until": func.greatest(_pauses.until, row.excluded.until),
        "reason": row.excluded.reason,
    }
    await connection.execute(row.on_conflict_do_update(index_elements=["cause"], set_=longer))


async def end(connection: AsyncConnection, cause: Cause) -> None:
    """The cause is gone: go on."""
    await connection.execute(delete(tables.pauses).where(_pauses.cause == cause))


async def holding(connection: AsyncConnection) -> Sequence[Pause]:
    """The pauses that hold now."""
    query = select(_pauses.cause, _pauses.since, _pauses.until, _pauses.reason).where(_pauses.until > func.now())
    return [Pause(*row) for row in await connection.execute(query)]


def none_holds() -> ColumnElement[bool]:
    """The condition that workflows may be fetched, for a query that claims."""
    return ~exists().where(_pauses.until > func.now(), _pauses.cause.in_(("rate", "credentials")))
