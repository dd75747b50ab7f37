"""The archive's side: what is kept, shown in Civitai's shape with addresses of ours."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from archive import catalogue
from archive.catalogue import Content, Kept
from archive.together import Together
from gateway import sources
from gateway.problems import Problem
from gateway.state import State
from orchestration import statuses
from orchestration.rendering import Link
from orchestration.wire import JsonObject

AT_ONCE = 64
"""Workflows in one look."""

_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


@asynccontextmanager
async def reading(request: Request[State]) -> AsyncIterator[AsyncConnection]:
    """A connection for one look into the catalogue."""
    async with request.state["engine"].connect() as connection:
        yield connection


def together(engine: AsyncEngine) -> Together[str, Kept | None]:
    """Looks for workflows' documents, by id: what is asked for while one look is under way shares the next."""

    async def look(workflow_ids: Sequence[str]) -> Sequence[Kept | None]:
        async with engine.connect() as connection:
            return await catalogue.workflows(connection, workflow_ids)

    return Together(look, gathering=lambda: 0, at_once=AT_ONCE, is_one_at_fault=lambda _: False)


def base_url(request: Request[State]) -> str:
    """The origin that our addresses begin with. Raises Problem when the client called us by no name."""
    if (url := request.state["config"].gateway.url) is not None:
        return url
    host = request.headers.get("Host", "")
    if not _HOST.fullmatch(host):
        raise Problem(400, "The Host header is no host.")
    return f"{request.url.scheme}://{host}"


def document(request: Request[State], kept: Kept, *, hide_mature: bool) -> JsonObject:
    """The workflow's document, with addresses of ours that are good for a while."""
    signer, origin = request.state["signer"], base_url(request)

    def link(content: Content) -> Link:
        return signer.link(origin, content)

    return kept.render(link, hide_mature=hide_mature)


class Json(Response):
    """JSON, written quickly; slowly where it holds an integer that no machine word does."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes."""
        try:
            return orjson.dumps(content)
        except TypeError:
            return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def workflow(found: JsonObject) -> Response:
    """200 if it has ended, else 202, as Civitai does."""
    status = found.get("status")
    has_ended = isinstance(status, str) and (statuses.is_terminal(status) or status == statuses.DELETED)
    return Json(found, 200 if has_ended else 202)


def archived(value: Any) -> Response:
    """Anything else that the archive has."""
    return Json(value, headers={sources.HEADER: sources.ARCHIVE})
