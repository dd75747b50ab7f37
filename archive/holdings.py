"""What the archive holds, workflow by workflow: the rows that names, copies and manifests are made from."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import results, tables
from orchestration.wire import JsonObject

PAGE = 100

_workflows = tables.workflows.c
_results = tables.results.c
CREATED_AT = func.coalesce(_workflows.created_at, _workflows.heard_at)
"""When a workflow was created, or else when we heard of it. There is an index on this and the id."""


@dataclass(frozen=True)
class Wanted:
    """Which workflows; every wish narrows it.

    tags: it has all of these. since, until: it was created then or between. touched_since: a result of it was stored
    or pruned then or later.
    """

    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    touched_since: datetime | None = None


@dataclass(frozen=True)
class Holding:
    """A workflow whose document is kept, and its results: all of them, stored or not."""

    workflow_id: str
    heard_at: datetime
    document: JsonObject
    results: Sequence[results.Kept]


@dataclass(frozen=True)
class Total:
    """How many stored results there are, and the bytes of them together; what two share counts twice."""

    results: int
    bytes: int


async def each(engine: AsyncEngine, wanted: Wanted) -> AsyncIterator[Holding]:
    """The wanted workflows in the order of their creation. No connection is held while the caller works."""
    last: tuple[datetime, str] | None = None
    while True:
        async with engine.connect() as connection:
            page, last = await _page(connection, wanted, last)
        for holding in page:
            yield holding
        if last is None:
            return


async def these(connection: AsyncConnection, workflow_ids: Sequence[str]) -> list[Holding]:
    """The workflows with these ids whose documents are kept."""
    query = select(_workflows.id, _workflows.heard_at, _workflows.document)
    query = query.where(_workflows.id.in_(workflow_ids), _workflows.document.is_not(None))
    rows = (await connection.execute(query.order_by(_workflows.id))).all()
    of_each = await results.kept_of_each(connection, [row.id for row in rows])
    return [Holding(row.id, row.heard_at, row.document, of_each[row.id]) for row in rows]


async def total(connection: AsyncConnection, wanted: Wanted) -> Total:
    """How much of it is stored."""
    query = select(func.count(), func.coalesce(func.sum(tables.objects.c.size), 0)).select_from(
        tables.results.join(tables.workflows).join(tables.objects)
    )
    count, size = (await connection.execute(query.where(_workflows.document.is_not(None), *_conditions(wanted)))).one()
    return Total(count, int(size))


async def _page(
    connection: AsyncConnection, wanted: Wanted, last: tuple[datetime, str] | None
) -> tuple[list[Holding], tuple[datetime, str] | None]:
    """The workflows after the last one, and the place to go on from, if there may be more."""
    query = select(_workflows.id, CREATED_AT.label("created_at"), _workflows.heard_at, _workflows.document).where(
        _workflows.document.is_not(None), *_conditions(wanted)
    )
    if last is not None:
        query = query.where(tuple_(CREATED_AT, _workflows.id) > tuple_(*last))
    rows = (await connection.execute(query.order_by(CREATED_AT, _workflows.id).limit(PAGE))).all()
    of_each = await results.kept_of_each(connection, [row.id for row in rows])
    page = [Holding(row.id, row.heard_at, row.document, of_each[row.id]) for row in rows]
    return page, (rows[-1].created_at, rows[-1].id) if len(rows) == PAGE else None


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.tags:
        conditions.append(_workflows.tags.contains(list(wanted.tags)))
    if wanted.since is not None:
        conditions.append(wanted.since <= CREATED_AT)
    if wanted.until is not None:
        conditions.append(wanted.until >= CREATED_AT)
    if wanted.touched_since is not None:
        touched = or_(_results.stored_at >= wanted.touched_since, _results.pruned_at >= wanted.touched_since)
        conditions.append(exists().where(_results.workflow_id == _workflows.id, touched))
    return conditions
