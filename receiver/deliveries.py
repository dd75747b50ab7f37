"""What the receiver keeps, readable or not, and how a batch of it reaches the tables however bad one of it is."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database, events, quarantine
from orchestration.events import Unreadable, parse

Delivery = events.Delivery | quarantine.Unread

_REFUSED_CLASSES = {
    "22",  # data exception: a value that the column's type cannot hold
    "23",  # integrity constraint violation
    "54",  # program limit exceeded: nested too deeply for jsonb
}


def read(source: str, parameters: events.Parameters, body: bytes, received_at: datetime | None = None) -> Delivery:
    """An authenticated delivery: an event, or the reason for which it is none."""
    try:
        delivery = events.Delivery(parse(body), source, parameters, body, received_at)
        delivery.projection  # noqa: B018 - made here, where its failure is one delivery's own
    except Unreadable as unreadable:
        return quarantine.Unread(unreadable.reason, source, parameters, body, received_at)
    except RecursionError:
        return quarantine.Unread("it is nested too deeply", source, parameters, body, received_at)
    return delivery


async def store(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> events.Recorded:
    """Write them all: what can be read into the events, the rest into quarantine."""
    told = [delivery for delivery in deliveries if isinstance(delivery, events.Delivery)]
    recorded = await events.record(connection, told) if told else events.Recorded([], 0)
    await quarantine.add(connection, [one for one in deliveries if isinstance(one, quarantine.Unread)])
    return recorded


async def whole_or_one_by_one(
    deliveries: Sequence[Delivery], write: Callable[[Sequence[Delivery], int], Awaitable[None]]
) -> None:
    """Have `write` write them all, so that one that PostgreSQL refuses never takes down its neighbours.

    `write(part, first)` writes a part of them, which begins at the index `first`, in one transaction. When all together
    are refused, each goes alone; one that is refused even then goes into quarantine. Raises what says that the database
    is away, or that the outcome is unknown; the parts before have been written then.
    """
    try:
        return await write(deliveries, 0)
    except Exception as error:
        if not _is_refused(error):
            raise
    for index, delivery in enumerate(deliveries):
        try:
            await write([delivery], index)
        except Exception as error:
            if not _is_refused(error):
                raise
            await write([_unread(delivery, error)], index)
    return None


def _is_refused(error: Exception) -> bool:
    """Whether the values are at fault, so that the same will be refused again; else it is the database."""
    if isinstance(error, exc.DBAPIError):
        return str(getattr(error.orig, "sqlstate", None) or "")[:2] in _REFUSED_CLASSES
    return not isinstance(error, exc.SQLAlchemyError) and not database.is_unavailable(error)


def _unread(delivery: Delivery, error: Exception) -> quarantine.Unread:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    reason = f"it cannot be written ({getattr(cause, 'sqlstate', None) or type(cause).__name__})"
    return quarantine.Unread(reason, delivery.source, delivery.parameters, delivery.body, delivery.received_at)
