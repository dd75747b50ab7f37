"""Rows made of manifests. What the database knows already, and better, stays.

A manifest may have been written by an older release, so columns that it does not name get their defaults.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Table, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from archive import results, tables
from archive.manifests import OBLIGATIONS, Manifest

_workflows = tables.workflows.c
_results = tables.results.c


def nothing_is_owed() -> ColumnElement[bool]:
    """The condition that a workflow is whole, or given up, with all of its results."""
    open_results = exists().where(_results.workflow_id == _workflows.id, results.unsettled(tables.results))
    return (func.num_nonnulls(_workflows.archived_at, _workflows.gone_at, _workflows.dead_at) > 0) & ~open_results


async def add(connection: AsyncConnection, manifests: Iterable[Manifest]) -> None:
    """Make rows of these manifests.

    Of two that tell of the same workflow the one that was fetched last holds, and so does a row over what was fetched
    before. What is not settled is due.
    """
    latest: dict[str, Manifest] = {}
    for manifest in manifests:
        if _fetched_at(manifest) >= _fetched_at(latest.get(manifest.workflow_id, manifest)):
            latest[manifest.workflow_id] = manifest
    rows = [manifest.rows["workflow"] | {"document": manifest.document} for manifest in latest.values()]
    taken = set(await _insert(connection, tables.workflows, rows, _workflow_conflict, leave_out=OBLIGATIONS))
    told = [manifest for workflow_id, manifest in sorted(latest.items()) if workflow_id in taken]
    for table, name, conflict, leave_out in (
        (tables.objects, "objects", Insert.on_conflict_do_nothing, ("deleting_at",)),
        (tables.steps, "steps", _fill_in, ()),
        (tables.jobs, "jobs", _fill_in, ()),
        (tables.results, "results", _result_conflict, ("id",)),
        (tables.drift, "drift", Insert.on_conflict_do_nothing, ()),
    ):
        children = [row for manifest in told for row in manifest.rows[name]]
        await _insert(connection, table, children, conflict, leave_out=leave_out)
    await connection.execute(
        update(tables.workflows).where(_workflows.id.in_(taken), ~nothing_is_owed()).values(due_at=func.now())
    )


def _fetched_at(manifest: Manifest) -> str:
    return str(manifest.rows["workflow"].get("fetched_at") or "")


def _workflow_conflict(row: Insert, columns: Sequence[str]) -> Insert:
    """What was fetched later holds; what callbacks told is another hand's."""
    told = {"id", "heard_at", "told_status", "told_at", "end_received_at", "attempts"}
    new = row.excluded
    changed: dict[str, Any] = {name: new[name] for name in columns if name not in told}
    changed |= {
        "heard_at": func.least(_workflows.heard_at, new.heard_at),
        "attempts": func.greatest(_workflows.attempts, new.attempts) + 1,  # whoever holds it is overtaken
        "leased_until": None,
    }
    later = or_(_workflows.fetched_at.is_(None), _workflows.fetched_at < new.fetched_at)
    return row.on_conflict_do_update(index_elements=["id"], set_=changed, where=later)


def _fill_in(row: Insert, columns: Sequence[str]) -> Insert:
    """What the manifest says replaces what is there; what it does not say leaves it."""
    keys = list(row.table.primary_key)
    changed = {name: func.coalesce(row.excluded[name], row.table.c[name]) for name in columns}
    return row.on_conflict_do_update(index_elements=keys, set_=changed)


def _result_conflict(row: Insert, columns: Sequence[str]) -> Insert:
    """What is stored stays so."""
    changed = {name: row.excluded[name] for name in columns}
    keys = ["workflow_id", "step", "path"]
    return row.on_conflict_do_update(index_elements=keys, set_=changed, where=_results.stored_at.is_(None))


async def _insert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conflict: Any,
    *,
    leave_out: Sequence[str],
) -> Sequence[Any]:
    """Insert rows as JSON tells them, those with the same columns together; the first column of what was written."""
    known = [name for name in table.c.keys() if name not in leave_out]  # noqa: SIM118 - the keys of columns
    written: list[Any] = []

    def columns_of(row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(name for name in known if name in row)

    for columns, alike in groupby(sorted(rows, key=columns_of), key=columns_of):
        record = func.jsonb_populate_recordset(literal_column(f"NULL::{table.name}"), bindparam("rows", type_=JSONB))
        source = record.table_valued(*(Column(name, table.c[name].type) for name in columns)).alias("source")
        new = insert(table).from_select(list(columns), select(*(source.c[name] for name in columns)))
        new = conflict(new) if conflict is Insert.on_conflict_do_nothing else conflict(new, columns)
        done = await connection.execute(new.returning(next(iter(table.primary_key))), {"rows": list(alike)})
        written += done.scalars()
    return written
