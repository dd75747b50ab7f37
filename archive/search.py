"""Results wherever they are, found by what is known of them: the newest workflow's first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, case, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import catalogue, cursors, tables
from archive.cursors import Cursor

TAKE_AT_MOST = 100

State = Literal["stored", "withheld", "gone", "dead", "pending"]
STATES: tuple[State, ...] = get_args(State)
"""How a result has settled, or that it has not."""

_workflows, _steps = tables.workflows.c, tables.steps.c
_results, _objects = tables.results.c, tables.objects.c


@dataclass(frozen=True)
class Filters:
    """What a search is narrowed to; every wish narrows it.

    text: in the input of the step that made it, its prompt for one. kind: image, video, audio, …
    """

    text: str | None = None
    tags: Sequence[str] = ()
    workflow_id: str | None = None
    kind: str | None = None
    step_type: str | None = None
    state: State | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True)
class Match:
    """One result. `blob_id` is what `catalogue.content` finds it by; `sha256` is in hex, `duration` in seconds."""

    workflow_id: str
    created_at: datetime
    step: str
    path: str
    step_type: str | None
    role: str
    kind: str | None
    blob_id: str | None
    state: State
    sha256: str | None
    size: int | None
    media_type: str | None
    width: int | None
    height: int | None
    duration: float | None
    nsfw_level: str | None
    blocked_reason: str | None
    last_error: str | None


@dataclass(frozen=True)
class Page:
    """What was found, and the cursor after which the next page begins; None on the last."""

    results: Sequence[Match]
    next: str | None


_CREATED_AT = func.coalesce(_workflows.created_at, _workflows.heard_at)
_SHA256 = func.encode(_results.object_digest, "hex")
_STATE = case(
    (_results.stored_at.is_not(None), "stored"),
    (_results.withheld_at.is_not(None), "withheld"),
    (_results.gone_at.is_not(None), "gone"),
    (_results.dead_at.is_not(None), "dead"),
    else_="pending",
)
_MATCHES: Select[Any] = (
    select(
        _workflows.id,
        _CREATED_AT,
        _results.step,
        _results.path,
        _steps.type,
        _results.role,
        _results.kind,
        func.coalesce(_results.blob_id, literal(catalogue.NAMED_BY_DIGEST) + _SHA256),
        _STATE,
        _SHA256,
        _objects.size,
        _objects.media_type,
        func.coalesce(_objects.width, _results.width),
        func.coalesce(_objects.height, _results.height),
        func.coalesce(_objects.duration, _results.duration),
        _results.nsfw_level,
        _results.blocked_reason,
        _results.last_error,
        _results.id,
    )
    .select_from(
        tables.workflows.join(tables.results, _results.workflow_id == _workflows.id)
        .outerjoin(tables.steps, and_(_steps.workflow_id == _workflows.id, _steps.name == _results.step))
        .outerjoin(tables.objects, _objects.digest == _results.object_digest)
    )
    # Said as the index on what is listed says it.
    .where(_workflows.document.is_not(None))
    .order_by(_CREATED_AT.desc(), _workflows.id.desc(), _results.id)
)


async def results(connection: AsyncConnection, filters: Filters, *, take: int = 20, cursor: str | None = None) -> Page:
    """A page of at most `take` results. `cursor` is the `next` of the page before. Raises BadCursor."""
    take = max(1, min(take, TAKE_AT_MOST))
    wanted = _MATCHES.where(*_conditions(filters)).limit(take + 1)
    if cursor:
        wanted = wanted.where(*_beyond(cursor))
    rows = (await connection.execute(wanted)).all()
    found = [Match(*row[:-1]) for row in rows[:take]]
    if len(rows) <= take:
        return Page(found, None)
    last = found[-1]
    return Page(found, f"{Cursor(last.created_at, last.workflow_id)}.{rows[take - 1][-1]}")


def _beyond(cursor: str) -> list[ColumnElement[bool]]:
    """What comes after the result that the cursor names: later in its workflow, or in one listed after it."""
    text, _, number = cursor.rpartition(".")
    after = cursors.parse(text)
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise cursors.BadCursor("the cursor is none that this archive gave")
    place = tuple_(_CREATED_AT, _workflows.id)
    last = tuple_(bindparam(None, after.created_at, type_=tables.Moment), bindparam(None, after.workflow_id))
    return [place <= last, or_(place < last, _results.id > int(number))]


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.text:
        conditions.append(cast(_steps.input, Text).icontains(filters.text, autoescape=True))
    if filters.tags:
        conditions.append(_workflows.tags.contains(cast(list(filters.tags), ARRAY(Text))))
    if filters.workflow_id:
        conditions.append(_workflows.id == filters.workflow_id)
    if filters.kind:
        conditions.append(func.lower(_results.kind) == filters.kind.lower())
    if filters.step_type:
        conditions.append(func.lower(_steps.type) == filters.step_type.lower())
    if filters.state:
        conditions.append(_STATE.in_([filters.state]))
    if filters.created_from:
        conditions.append(filters.created_from <= _CREATED_AT)
    if filters.created_to:
        conditions.append(filters.created_to >= _CREATED_AT)
    return conditions
