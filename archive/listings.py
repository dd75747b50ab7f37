"""Listings: how far each walk through Civitai's workflows has come, and what its pages oblige us to.

A page is taken in with its cursor in one transaction, and only by whoever finds that it is still that page's turn. So
a walk goes on where it stopped however it was ended, and those who do the same walk at once count nothing twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Interval,
    Row,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables, workflows
from archive.ranges import Listed, Listing, Range
from orchestration import statuses

OVERLAP = timedelta(hours=1)
"""A reconcile begins so long before the last one did: what was created then may have been listed too early."""

FIRST_LOOK = timedelta(days=1)
"""How far back the first one looks; what is older is a backfill's."""

KEPT = timedelta(days=30)
"""How long finished reconciles stay as rows."""

TIME_TO_TRY = timedelta(days=1)
"""How long something listed is tried at least, though it should have been forgotten: Civitai has it still."""

_listings = tables.listings.c


_MOVING = "newest_first", "cursor", "pages", "listed", "unheard", "unfinished", "first_at", "reached_at"
_COLUMNS = [tables.listings.c[name] for name in Listing.__dataclass_fields__]

_OWED = text(
    """
    SELECT DISTINCT ON (listed.id) listed.id, listed.since, known.id IS NULL AS is_unheard
    FROM unnest(:ids, :has_ended, :since) AS listed (id, has_ended, since)
    LEFT JOIN workflows AS known ON known.id = listed.id
    WHERE known.id IS NULL
       OR (num_nonnulls(known.archived_at, known.dead_at, known.gone_at) = 0
           AND (known.due_at IS NULL
                OR known.due_at > now() AND listed.has_ended
                   AND lower(known.status) = ANY (:terminal) IS NOT TRUE))
    ORDER BY listed.id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Text)),
    bindparam("has_ended", type_=ARRAY(Boolean)),
    bindparam("since", type_=ARRAY(tables.Moment)),
    bindparam("terminal", type_=ARRAY(Text)),
)
"""A page joined to the rows. What is archived, dead or gone is left alone, and so is what we know to have ended: its
results are tried by a schedule of their own."""

_MAKE_DUE = text(
    """
    INSERT INTO workflows (id, origin, heard_at, due_at, deadline_at)
    SELECT id, :purpose, now(), now(), greatest(least(since, now()) + :retention, now() + :time_to_try)
    FROM unnest(:ids, :since) AS owed (id, since)
    ON CONFLICT (id) DO UPDATE SET due_at = least(workflows.due_at, excluded.due_at)
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Text)),
    bindparam("since", type_=ARRAY(tables.Moment)),
    bindparam("retention", type_=Interval),
    bindparam("time_to_try", type_=Interval),
)


async def begin_reconcile(connection: AsyncConnection) -> Listing:
    """The reconcile that is under way, or a new one: from where the last one began, and a little before."""
    ours = _listings.purpose == "reconcile"
    await connection.execute(delete(tables.listings).where(ours, _listings.finished_at < func.now() - KEPT))
    last = select(func.max(_listings.begun_at)).where(ours, _listings.finished_at.is_not(None)).scalar_subquery()
    since = func.coalesce(last - OVERLAP, func.now() - FIRST_LOOK)
    return await _begin(connection, ["purpose"], purpose="reconcile", from_date=since, tags=[])


async def look_back(connection: AsyncConnection) -> None:
    """Have the next reconcile begin with the first workflow that we know, or as far back as Civitai keeps them.

    For a database that was lost: it does not know when it last heard of everything. One that is under way is ended.
    """
    ours = update(tables.listings).where(_listings.purpose == "reconcile", _listings.finished_at.is_(None))
    await connection.execute(ours.values(finished_at=func.now()))
    known = tables.workflows.c
    first = select(func.min(func.coalesce(known.created_at, known.heard_at))).scalar_subquery()
    since = func.greatest(first, func.now() - workflows.RETENTION)
    await _begin(connection, ["purpose"], purpose="reconcile", from_date=since, tags=[])


async def begin_backfill(connection: AsyncConnection, wanted: Range, *, anew: bool) -> Listing:
    """The backfill of this range that was begun and not finished, or a new one; `anew` from its first page."""
    facts = {
        "from_date": wanted.from_date,
        "to_date": wanted.to_date,
        "tags": sorted(set(wanted.tags)),
        "query": wanted.query,
    }
    begun = await _begin(connection, list(facts), purpose="backfill", **facts)
    if anew and begun.pages:
        await connection.execute(update(tables.listings).where(_listings.id == begun.id).values(finished_at=func.now()))
        begun = await _begin(connection, list(facts), purpose="backfill", **facts)
    return begun


async def find(connection: AsyncConnection, listing: Listing) -> Listing:
    """The same walk as it stands now: somebody else may have gone on with it."""
    return Listing(*(await connection.execute(select(*_COLUMNS).where(_listings.id == listing.id))).one())


async def weigh(
    connection: AsyncConnection, listing: Listing, page: Sequence[Listed], *, cursor: str | None
) -> Listing:
    """How far the walk would have come with this page; nothing is written."""
    owed = await _owed(connection, page)
    return _with(listing, page, owed, cursor)


async def take_in(
    connection: AsyncConnection, listing: Listing, page: Sequence[Listed], *, cursor: str | None
) -> Listing | None:
    """Make due what the page obliges us to, and go on to the page at `cursor`; without one the walk is finished.

    None when it is no longer this page's turn: somebody else has taken it in.
    """
    if not await _has_turn(connection, listing):
        return None
    owed = await _owed(connection, page)
    if owed:
        obliged = {
            "purpose": listing.purpose,
            "ids": [row.id for row in owed],
            "since": [row.since for row in owed],
            "retention": workflows.RETENTION,
            "time_to_try": TIME_TO_TRY,
        }
        await connection.execute(_MAKE_DUE, obliged)
    return await _write(connection, _with(listing, page, owed, cursor))


async def turn_round(connection: AsyncConnection, listing: Listing) -> Listing | None:
    """Begin anew, newest first; None when somebody else has moved it meanwhile."""
    return await _write(connection, listing.turned_round()) if await _has_turn(connection, listing) else None


async def last_reconcile(connection: AsyncConnection) -> datetime | None:
    """When a reconcile was last finished."""
    query = select(func.max(_listings.finished_at)).where(_listings.purpose == "reconcile")
    finished_at: datetime | None = (await connection.execute(query)).scalar_one()
    return finished_at


async def _owed(connection: AsyncConnection, page: Sequence[Listed]) -> Sequence[Row[Any]]:
    told = {
        "ids": [one.id for one in page],
        "has_ended": [one.has_ended for one in page],
        "since": [one.completed_at or one.created_at for one in page],
        "terminal": list(statuses.TERMINAL),
    }
    return (await connection.execute(_OWED, told)).all()


def _with(listing: Listing, page: Sequence[Listed], owed: Sequence[Row[Any]], cursor: str | None) -> Listing:
    unheard = sum(row.is_unheard for row in owed)
    return listing.moved(page, unheard=unheard, unfinished=len(owed) - unheard, cursor=cursor)


async def _has_turn(connection: AsyncConnection, listing: Listing) -> bool:
    turn = (_listings.id == listing.id, _listings.pages == listing.pages, _listings.finished_at.is_(None))
    return (await connection.execute(select(_listings.id).where(*turn).with_for_update())).first() is not None


async def _write(connection: AsyncConnection, moved: Listing) -> Listing:
    ours = {name: getattr(moved, name) for name in _MOVING} | {"moved_at": func.now()}
    if moved.finished_at is not None:
        ours["finished_at"] = func.now()
    await connection.execute(update(tables.listings).where(_listings.id == moved.id).values(ours))
    return moved


async def _begin(connection: AsyncConnection, unique: Sequence[str], **facts: Any) -> Listing:
    """A new row, or the one that is not finished and says the same in the columns that are `unique` among those."""
    row = insert(tables.listings).values(**facts, begun_at=func.now(), moved_at=func.now())
    begun = row.on_conflict_do_update(
        index_elements=unique,
        index_where=and_(_listings.purpose == literal_column(f"'{facts['purpose']}'"), _listings.finished_at.is_(None)),
        set_={"purpose": row.excluded.purpose},  # changes nothing, so that the row is returned
    )
    return Listing(*(await connection.execute(begun.returning(*_COLUMNS))).one())
