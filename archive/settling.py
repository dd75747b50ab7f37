"""How a result settles, and what is written while it has not. Callers hold the workflow (`claims.hold`)."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database, results, tables
from orchestration import wire

_results = tables.results.c


_given = database.given(_results.id, _results.object_digest)
_STORED = (
    update(tables.results)
    .where(_results.id == _given.c.id, results.unsettled(tables.results))
    .values(stored_at=func.now(), object_digest=_given.c.object_digest, last_error=None)
)


async def stored(connection: AsyncConnection, digests: Mapping[int, bytes]) -> None:
    """The content of each of these results, by id, is the object with this digest."""
    rows = [{"id": result_id, "object_digest": digest} for result_id, digest in digests.items()]
    if rows:
        await connection.execute(_STORED, {"rows": rows})


async def withheld(connection: AsyncConnection, result_id: int, reason: str) -> None:
    """Civitai keeps the content back, and said why."""
    await _settle(connection, result_id, {"withheld_at": func.now(), "blocked_reason": wire.storable(reason)})


async def dead(connection: AsyncConnection, result_id: int, error: str) -> None:
    """We gave up, with the reason."""
    facts = {"dead_at": func.now(), "attempts": _results.attempts + 1, "last_error": wire.storable(error)}
    await _settle(connection, result_id, facts)


async def put_off(connection: AsyncConnection, result_id: int, *, error: str, next_attempt_at: datetime) -> None:
    """A try failed; the next is not before `next_attempt_at`."""
    facts = {
        "attempts": _results.attempts + 1,
        "last_error": wire.storable(error),
        "next_attempt_at": next_attempt_at,
    }
    await _settle(connection, result_id, facts)


async def gone(connection: AsyncConnection, result_id: int, error: str) -> None:
    """Civitai's API had the last word: the blob is no more."""
    facts = {"gone_at": func.now(), "attempts": _results.attempts + 1, "last_error": wire.storable(error)}
    await _settle(connection, result_id, facts)


async def miss(connection: AsyncConnection, result_id: int) -> None:
    """Civitai's API answered 404 for the blob: remember since when."""
    await _settle(connection, result_id, {"missing_at": func.coalesce(_results.missing_at, func.now())})


async def find_again(connection: AsyncConnection, result_id: int) -> None:
    """Civitai's API knows the blob after all."""
    await _settle(connection, result_id, {"missing_at": None})


async def wait(connection: AsyncConnection, result_id: int, *, reason: str, until: datetime) -> None:
    """It could not be tried, through no fault of its own: no try is counted."""
    await _settle(connection, result_id, {"last_error": wire.storable(reason), "next_attempt_at": until})


async def _settle(connection: AsyncConnection, result_id: int, facts: dict[str, object]) -> None:
    unsettled = results.unsettled(tables.results)
    await connection.execute(update(tables.results).where(_results.id == result_id, unsettled).values(facts))
