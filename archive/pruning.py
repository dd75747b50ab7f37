"""Pruning: what a rule of retention names is taken from its rows, and objects that nobody needs then go by stages.

1. A result gives up its object (`pruned_at`). The object is marked (`deleting_at`) if no other result needs it.
2. After a time of grace it is looked at again. If it is needed by now, the mark goes; else its row does.
3. Its bytes are moved aside, and an hour later removed. Should a row for them have come meanwhile, from a download that
   had found them in their place just before, they are moved back.

So nothing that a download relies on can vanish under it, however the two meet; and whoever dies in between leaves
what is to be done in the rows, to be taken up by the next who prunes. Every stage leaves its tombstones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import holdings, objects, tables, tombstones
from archive.retention import Rule

BATCH = 200
UNNEEDED = "unneeded"
"""The rule in an object's tombstone should none of a result tell which one it was."""

_objects = tables.objects.c
_results = tables.results.c
_segments = tables.segments.c
_tombstones = tables.tombstones.c
_workflows = tables.workflows.c


@dataclass(frozen=True)
class Matching:
    """How much a rule names: rows, and the bytes that would be free without them."""

    rows: int
    bytes: int

    def __add__(self, other: "Matching") -> "Matching":
        return Matching(self.rows + other.rows, self.bytes + other.bytes)


NOTHING = Matching(0, 0)


async def count(connection: AsyncConnection, rule: Rule) -> Matching:
    """How much a rule names now."""
    if rule.delete != "contents":
        table, chosen = _told(rule)
        query = select(func.count(), func.coalesce(func.sum(func.octet_length(table.c.body)), 0))
        rows, size = (await connection.execute(query.select_from(chosen).where(*_of_told(rule)))).one()
        return Matching(rows, int(size))
    named = select(_results.id, _results.object_digest).select_from(_KEPT).where(*_of_contents(rule)).cte("named")
    others = tables.results.alias("others")
    is_needed = select(others.c.id).where(
        others.c.object_digest == _objects.digest, others.c.id.not_in(select(named.c.id))
    )
    freed = select(func.coalesce(func.sum(_objects.size), 0)).where(
        _objects.digest.in_(select(named.c.object_digest)), ~is_needed.exists()
    )
    rows = (await connection.execute(select(func.count()).select_from(named))).scalar_one()
    return Matching(rows, int((await connection.execute(freed)).scalar_one()))


async def next_workflows(connection: AsyncConnection, rule: Rule, *, after: str) -> Sequence[str]:
    """The next workflows, by id, at most a batch of them, of whose contents the rule names something."""
    named = select(_results.id).where(
        _results.workflow_id == _workflows.id, _results.object_digest.is_not(None), *_of_result(rule)
    )
    query = select(_workflows.id).where(_workflows.id > after, *_of_workflow(rule), *_of_age(rule), named.exists())
    return (await connection.execute(query.order_by(_workflows.id).limit(BATCH))).scalars().all()


async def prune_contents(connection: AsyncConnection, rule: Rule, workflow_ids: Sequence[str]) -> int:
    """Take from these workflows what the rule names of their contents; how many results gave up theirs.

    A workflow that somebody holds is left for another time.
    """
    free = select(_workflows.id).where(_workflows.id.in_(workflow_ids)).order_by(_workflows.id)
    free = free.with_for_update(skip_locked=True, key_share=True)
    ours = (await connection.execute(free)).scalars().all()
    columns = (_results.id, *_PLACE, _results.object_digest.label("digest"), _objects.size, _objects.media_type)
    query = select(*columns).select_from(_KEPT).where(_workflows.id.in_(ours), *_of_contents(rule))
    rows = (await connection.execute(query.order_by(_results.id).with_for_update(of=tables.results))).mappings().all()
    if not rows:
        return 0
    given_up = update(tables.results).where(_results.id.in_([row["id"] for row in rows]))
    await connection.execute(given_up.values(pruned_at=func.now(), object_digest=null()))
    await tombstones.add(connection, rule.name, "result", [_without_id(row) for row in rows])
    await _mark_unneeded(connection, {row["digest"] for row in rows})
    return len(rows)


async def prune_told(connection: AsyncConnection, rule: Rule) -> Matching:
    """Delete the next events, or deliveries in quarantine, that the rule names, at most a batch of them."""
    table, chosen = _told(rule)
    facts = (table.c.id, table.c.digest, func.octet_length(table.c.body).label("size"), _segment(rule).label("segment"))
    query = select(*facts, *([table.c.workflow_id] if rule.delete == "events" else [])).select_from(chosen)
    query = query.where(*_of_told(rule)).order_by(table.c.id).limit(10 * BATCH)
    rows = (await connection.execute(query.with_for_update(of=table, skip_locked=True))).mappings().all()
    await connection.execute(delete(table).where(table.c.id.in_([row["id"] for row in rows])))
    what = "event" if rule.delete == "events" else "quarantine"
    await tombstones.add(connection, rule.name, what, [_without_id(row) for row in rows])
    return Matching(len(rows), sum(row["size"] for row in rows))


async def delete_unneeded(connection: AsyncConnection, *, grace: timedelta) -> Matching | None:
    """Look again at objects marked for longer than the grace: their rows go, or their marks. None: there are none."""
    # One that a result is being pointed to at this moment is held, and left for another time.
    query = select(_objects.digest).where(_objects.deleting_at <= func.now() - grace).order_by(_objects.digest)
    marked = (await connection.execute(query.limit(BATCH).with_for_update(skip_locked=True))).scalars().all()
    if not marked:
        return None
    ours = _objects.digest.in_(marked)
    needed = objects.is_needed(_objects.digest)
    await connection.execute(update(tables.objects).where(ours, needed).values(deleting_at=null()))
    gone = delete(tables.objects).where(ours, ~needed)
    rows = (
        (await connection.execute(gone.returning(_objects.digest, _objects.size, _objects.media_type))).mappings().all()
    )
    rules = await _rules_of(connection, [row["digest"] for row in rows])
    for row in rows:
        await tombstones.add(connection, rules.get(row["digest"], UNNEEDED), "object", [dict(row)])
    return Matching(len(rows), sum(row["size"] for row in rows))


async def _rules_of(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, str]:
    """The rules that last took each of these from a result."""
    query = select(_tombstones.digest, _tombstones.rule).where(
        _tombstones.what == "result", _tombstones.digest.in_(digests)
    )
    rows = (await connection.execute(query.order_by(_tombstones.deleted_at))).all()
    return {row.digest: row.rule for row in rows}


async def _mark_unneeded(connection: AsyncConnection, digests: set[bytes]) -> None:
    ours = _objects.digest.in_(sorted(digests))
    # Locked before we look who needs them: of two who prune, the second sees what the first has done.
    await connection.execute(
        select(_objects.digest).where(ours).order_by(_objects.digest).with_for_update(key_share=True)
    )
    unneeded = update(tables.objects).where(ours, _objects.deleting_at.is_(None), ~objects.is_needed(_objects.digest))
    await connection.execute(unneeded.values(deleting_at=func.now()))


_PLACE = (_results.workflow_id, _results.step, _results.path)
_KEPT = tables.results.join(tables.workflows).join(tables.objects)


def _of_contents(rule: Rule) -> list[ColumnElement[bool]]:
    return [*_of_workflow(rule), *_of_age(rule), *_of_result(rule)]


def _of_age(rule: Rule) -> list[ColumnElement[bool]]:
    return [] if rule.older_than is None else [func.now() - rule.older_than > holdings.CREATED_AT]


def _of_result(rule: Rule) -> list[ColumnElement[bool]]:
    level = func.lower(func.coalesce(_results.nsfw_level, _workflows.nsfw_level))
    return [*_one_of(func.lower(_results.kind), rule.kinds), *_one_of(level, rule.nsfw_levels)]


def _of_told(rule: Rule) -> list[ColumnElement[bool]]:
    """What is on its way to storage is left for another time: it could not be taken from the file then."""
    table, _ = _told(rule)
    conditions: list[ColumnElement[bool]] = [_segment(rule).is_not(None)]
    if rule.older_than is not None:
        conditions.append(table.c.last_received_at < func.now() - rule.older_than)
    if rule.delete == "events":
        conditions += [*_of_workflow(rule), *_one_of(tables.events.c.scope, rule.kinds)]
        conditions += _one_of(func.lower(_workflows.nsfw_level), rule.nsfw_levels)
    return conditions


def _told(rule: Rule) -> tuple[Any, Any]:
    """The table that the rule is about, and what to select from."""
    if rule.delete == "quarantine":
        return tables.quarantine, tables.quarantine
    return tables.events, tables.events.join(tables.workflows, tables.events.c.workflow_id == _workflows.id)


def _segment(rule: Rule) -> ColumnElement[Any]:
    """The file in storage that holds a row of what was told; null if none does."""
    table, _ = _told(rule)
    of_range = select(_segments.name).where(
        _segments.told == rule.delete,
        _segments.after_id < table.c.id,
        _segments.up_to_id >= table.c.id,
        _segments.written_at.is_not(None),
    )
    return func.coalesce(table.c.segment, of_range.order_by(_segments.after_id.desc()).limit(1).scalar_subquery())


def _of_workflow(rule: Rule) -> list[ColumnElement[bool]]:
    """Only what is archived, or gone, and in nobody's hands; what was given up is exempt unless the rule names it."""
    is_done = or_(_workflows.archived_at.is_not(None), _workflows.gone_at.is_not(None))
    is_dead = _workflows.dead_at.is_not(None)
    conditions = [or_(is_done, is_dead) if rule.dead else and_(is_done, ~is_dead)]
    conditions.append(or_(_workflows.leased_until.is_(None), _workflows.leased_until < func.now()))
    if rule.tags:
        conditions.append(_workflows.tags.overlap(list(rule.tags)))
    return conditions


def _one_of(column: ColumnElement[Any], texts: Sequence[str]) -> list[ColumnElement[bool]]:
    return [column.in_([text.lower() for text in texts])] if texts else []


def _without_id(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
