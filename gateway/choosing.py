"""Which side answers: Civitai, live, or the archive.

A client may say, in X-Archive-Source; the answer says it in the same header. If he does not:

- What is archived, and about which nothing is owed, is the archive's: Civitai has nothing to add.
- Everything else is asked of Civitai; where it answers 404 or 5xx, asks for fewer calls or does not answer at all, the
  archive says what it knows.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway import forwarding, sources
from gateway.problems import Problem
from gateway.sources import ARCHIVE, HEADER, LIVE
from orchestration import errors


@dataclass(frozen=True)
class Archived:
    """What the archive has: how it is shown, and whether Civitai need not be asked."""

    show: Callable[[], Awaitable[Response]]
    is_current: bool = True


async def answer(
    request: Request[Any],
    archived: Callable[[], Awaitable[Archived | None]],
    live: Callable[[], Awaitable[Response]],
) -> Response:
    """The answer of the side whose turn it is. Raises Problem, and Unreachable where only Civitai could answer."""
    wanted = sources.wish(request)
    found = None if wanted == LIVE else await archived()
    if found is not None and (found.is_current or wanted == ARCHIVE):
        return await _shown(found)
    if wanted == ARCHIVE:
        raise Problem(404, "The archive has none such.", headers={HEADER: ARCHIVE})
    try:
        response = await live()
    except (errors.Unreachable, Problem):
        if found is None:
            raise
        return await _shown(found)
    if found is not None and forwarding.is_failure(response.status_code):
        return await _shown(found)
    return response


async def _shown(found: Archived) -> Response:
    response = await found.show()
    response.headers[HEADER] = ARCHIVE
    return response
