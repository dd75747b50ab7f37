"""Which side answers: Civitai, live, or the archive.

A client may say, in X-Archive-Source; the answer says it in the same header. If he does not:

- What is archived, and about which nothing is owed, is the archive's: Civitai has nothing to add.
- Everything else is asked of Civitai; where it answers 404 or 5xx, asks for fewer calls or does not answer at all, the
  archive says what it knows.
- While storage is away Civitai is asked for what lies there; where it has no answer either, storage is at fault.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from archive.storage_errors import StorageUnavailable
from gateway import forwarding, sources
from gateway.problems import Problem
from gateway.sources import ARCHIVE, HEADER, LIVE
from orchestration import errors

log = structlog.get_logger()


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
    """The answer of the side whose turn it is.

    Raises Problem, Unreachable where only Civitai could answer, and StorageUnavailable where it could not either.
    """
    wanted = sources.wish(request)
    found, trouble = None, None
    try:
        found = None if wanted == LIVE else await archived()
    except StorageUnavailable as error:
        if wanted == ARCHIVE:
            raise
        log.warning("storage is away; Civitai is asked instead", error=str(error))
        trouble = error
    if found is not None and (found.is_current or wanted == ARCHIVE):
        return await _shown(found)
    if wanted == ARCHIVE:
        raise Problem(404, "The archive has none such.", headers={HEADER: ARCHIVE})
    try:
        response = await live()
    except (errors.Unreachable, Problem) as error:
        if found is None:
            raise trouble or error from None
        return await _shown(found)
    if forwarding.is_failure(response.status_code):
        if trouble is not None:
            raise trouble
        if found is not None:
            return await _shown(found)
    return response


async def _shown(found: Archived) -> Response:
    response = await found.show()
    response.headers[HEADER] = ARCHIVE
    return response
