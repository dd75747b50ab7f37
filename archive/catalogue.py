"""The catalogue: what is kept, read in the shape in which Civitai gave it.

A workflow's document is the `jsonb` of its row: every key and value, numbers as they were, texts but for U+0000 and
lone surrogates, which PostgreSQL cannot hold; only the order of keys is lost. Whoever shows it to somebody says where
its content can be had now (`Kept.render`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, cast, func, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import cursors, tables
from archive.cursors import Cursor
from orchestration import rendering, statuses
from orchestration.wire import JsonObject

TAKE_AT_MOST = 100
"""Workflows on a page: Civitai gives no more either."""

NAMED_BY_DIGEST = "sha256-"

_workflows, _results, _objects = tables.workflows.c, tables.results.c, tables.objects.c


@dataclass(frozen=True)
class Content:
    """A stored content, as it appears in workflows: Civitai's id of the blob if it has one, and what the bytes are."""

    blob_id: str | None
    digest: bytes
    size: int
    media_type: str | None
    nsfw_level: str | None

    @property
    def name(self) -> str:
        """What `blob` finds it by: the blob's id, or, for what Civitai gave a bare URL of, its digest."""
        return self.blob_id or f"{NAMED_BY_DIGEST}{self.digest.hex()}"


@dataclass(frozen=True)
class Kept:
    """A workflow's document, and which of its contents are stored.

    is_current: it is archived and nothing about it is owed, so that Civitai has nothing to add as far as we know.
    """

    id: str
    document: JsonObject
    listed_at: datetime
    is_current: bool
    _contents: Sequence[Sequence[Any]] = field(repr=False)

    @cached_property
    def contents(self) -> dict[tuple[str, str], Content]:
        """For the step and path of each result that is stored: its content."""
        return {
            (step, path): Content(blob_id, bytes.fromhex(digest), size, media_type, nsfw_level)
            for step, path, blob_id, digest, size, media_type, nsfw_level in self._contents
        }

    def render(self, link: Callable[[Content], rendering.Link], *, hide_mature: bool = False) -> JsonObject:
        """The document with the addresses that `link` gives for what is stored; the rest is as Civitai gave it."""
        links = {place: link(content) for place, content in self.contents.items()}
        return rendering.render(self.document, links, hide_mature=hide_mature)


@dataclass(frozen=True)
class Filters:
    """What a listing is narrowed to: all of the tags; text in the metadata; when it was created, both ends included.

    user_id: whose it is, told by the tag `user:ID` or by an id of the shape `ID-20260121222126332`.
    """

    tags: Sequence[str] = ()
    query: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    status: str | None = None
    exclude_failed: bool = False
    ascending: bool = False
    user_id: str | None = None


@dataclass(frozen=True)
class Page:
    """Workflows in the order asked for, and the cursor after which the next page begins; None on the last."""

    items: Sequence[Kept]
    next: Cursor | None


_SOUND = and_(_objects.damaged_at.is_(None), _objects.deleting_at.is_(None))
_STORED = (
    select(
        func.jsonb_agg(
            func.jsonb_build_array(
                _results.step,
                _results.path,
                _results.blob_id,
                func.encode(_objects.digest, "hex"),
                _objects.size,
                _objects.media_type,
                _results.nsfw_level,
            )
        )
    )
    .select_from(tables.results.join(tables.objects, _results.object_digest == _objects.digest))
    .where(_results.workflow_id == _workflows.id, _SOUND)
    .scalar_subquery()
)
_LISTED_AT = func.coalesce(_workflows.created_at, _workflows.heard_at)
_IS_CURRENT = and_(
    _workflows.archived_at.is_not(None), or_(_workflows.due_at.is_(None), _workflows.due_at > func.now())
)
_KEPT: Select[Any] = select(
    _workflows.id,
    _workflows.document,
    _LISTED_AT,
    _IS_CURRENT,
    func.coalesce(_STORED, literal_column("'[]'::jsonb", JSONB)),
).where(_workflows.document.is_not(None))
_WORKFLOWS = _KEPT.where(_workflows.id == func.any(bindparam("wanted_ids", type_=ARRAY(Text))))
_CONTENT: Select[Any] = (
    select(_results.blob_id, _objects.digest, _objects.size, _objects.media_type, _results.nsfw_level)
    .select_from(tables.results.join(tables.objects, _results.object_digest == _objects.digest))
    .where(_results.stored_at.is_not(None), _SOUND)
    .order_by(_results.nsfw_level.is_(None), _results.id)
    .limit(1)
)
_JOB = (
    select(tables.jobs.c.document)
    .where(tables.jobs.c.id == bindparam("wanted_id", type_=Text), tables.jobs.c.document.is_not(None))
    .order_by(tables.jobs.c.document_at.desc())
    .limit(1)
)


async def workflow(connection: AsyncConnection, workflow_id: str) -> Kept | None:
    """What is kept of one workflow; None if that is no document."""
    return (await workflows(connection, [workflow_id]))[0]


async def workflows(connection: AsyncConnection, workflow_ids: Sequence[str]) -> Sequence[Kept | None]:
    """The same for each of several, in the order of their ids."""
    rows = await connection.execute(_WORKFLOWS, {"wanted_ids": list(set(workflow_ids))})
    found = {row[0]: Kept(*row) for row in rows}
    return [found.get(workflow_id) for workflow_id in workflow_ids]


async def query(connection: AsyncConnection, filters: Filters, *, take: int, cursor: str | None = None) -> Page:
    """A page of at most `take` workflows, newest first unless the filters say otherwise.

    `cursor` is the text of the one that the page before ended with. Raises BadCursor.
    """
    take = max(1, min(take, TAKE_AT_MOST))
    place = tuple_(_LISTED_AT, _workflows.id)
    wanted = _KEPT.where(*_conditions(filters)).limit(take + 1)
    if cursor:
        after = cursors.parse(cursor)
        beyond = tuple_(bindparam(None, after.created_at, type_=tables.Moment), bindparam(None, after.workflow_id))
        wanted = wanted.where(place > beyond if filters.ascending else place < beyond)
    order = (_LISTED_AT, _workflows.id)
    wanted = wanted.order_by(*(order if filters.ascending else (column.desc() for column in order)))
    items = [Kept(*row) for row in await connection.execute(wanted)]
    if len(items) <= take:
        return Page(items, None)
    last = items[take - 1]
    return Page(items[:take], Cursor(last.listed_at, last.id))


async def content(connection: AsyncConnection, name: str, *, workflow_id: str | None = None) -> Content | None:
    """The content of a blob by `Content.name`, wherever or in one workflow; None if none is stored and sound."""
    digest = _digest(name)
    wanted = _CONTENT.where(_results.blob_id == name if digest is None else _results.object_digest == digest)
    if workflow_id is not None:
        wanted = wanted.where(_results.workflow_id == workflow_id)
    row = (await connection.execute(wanted)).one_or_none()
    return Content(*row) if row else None


async def workflow_of_blob(connection: AsyncConnection, blob_id: str) -> Kept | None:
    """The workflow that the blob was kept for first, of those in which it is stored."""
    holder = (
        select(_results.workflow_id)
        .where(_results.blob_id == blob_id, _results.stored_at.is_not(None))
        .order_by(_results.id)
        .limit(1)
    )
    row = (await connection.execute(_KEPT.where(_workflows.id == holder.scalar_subquery()))).one_or_none()
    return Kept(*row) if row else None


async def job(connection: AsyncConnection, job_id: str) -> JsonObject | None:
    """A job's own document, detailed, if our token could read it."""
    document: JsonObject | None = (await connection.execute(_JOB, {"wanted_id": job_id})).scalar()
    return document


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    status = func.lower(_workflows.status)
    conditions: list[ColumnElement[bool]] = []
    if filters.tags:
        conditions.append(_workflows.tags.contains(cast(list(filters.tags), ARRAY(Text))))
    if filters.user_id:
        is_tagged = _workflows.tags.contains(cast([f"user:{filters.user_id}"], ARRAY(Text)))
        conditions.append(or_(is_tagged, _workflows.id.startswith(f"{filters.user_id}-", autoescape=True)))
    if filters.query:
        conditions.append(cast(_workflows.metadata, Text).icontains(filters.query, autoescape=True))
    if filters.created_from:
        conditions.append(filters.created_from <= _LISTED_AT)
    if filters.created_to:
        conditions.append(filters.created_to >= _LISTED_AT)
    if filters.status:
        conditions.append(status == filters.status.lower())
    if filters.exclude_failed:
        conditions.append(status.not_in(statuses.TERMINAL - {"succeeded"}))
    return conditions


def _digest(name: str) -> bytes | None:
    hexadecimal = name.removeprefix(NAMED_BY_DIGEST)
    if len(hexadecimal) != 64 or hexadecimal == name:
        return None
    try:
        return bytes.fromhex(hexadecimal)
    except ValueError:
        return None
