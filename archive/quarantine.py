"""Authenticated deliveries that tell no event we can read: kept verbatim, since sending them again could not help."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import events, tables
from orchestration.events import parse

_quarantine = tables.quarantine.c


@dataclass(frozen=True)
class Unread:
    """One authenticated HTTP request and the reason for which it is no event; the body is struck of our secret.

    `received_at` is for one that comes late, from the spool; None means now.
    """

    reason: str
    source: str
    parameters: events.Parameters
    body: bytes
    received_at: datetime | None = None

    @property
    def digest(self) -> bytes:
        """What makes two deliveries the same."""
        return events.content_digest(self.source, self.parameters, self.body)


async def add(connection: AsyncConnection, deliveries: Sequence[Unread]) -> None:
    """Keep the deliveries; one that is there already is counted once more, and its reason is the newest."""
    if not deliveries:
        return
    new = insert(tables.quarantine)
    again = {
        "reason": new.excluded.reason,
        "deliveries": _quarantine.deliveries + 1,
        "first_received_at": func.least(_quarantine.first_received_at, new.excluded.first_received_at),
        "last_received_at": func.greatest(_quarantine.last_received_at, new.excluded.last_received_at),
    }
    # Sorted, so that two batches that meet take their row locks in the same order.
    for delivery in sorted(deliveries, key=lambda delivery: delivery.digest):
        received_at = delivery.received_at or func.now()
        row = new.values(
            digest=delivery.digest,
            source=delivery.source,
            parameters=delivery.parameters,
            body=delivery.body,
            reason=delivery.reason,
            first_received_at=received_at,
            last_received_at=received_at,
            deliveries=1,
        )
        await connection.execute(row.on_conflict_do_update(index_elements=["digest"], set_=again))


async def newest(connection: AsyncConnection, count: int) -> Sequence[RowMapping]:
    """The last `count` that came: id, source, reason, deliveries, last_received_at, size (bytes)."""
    columns = (
        _quarantine.id,
        _quarantine.source,
        _quarantine.reason,
        _quarantine.deliveries,
        _quarantine.last_received_at,
        func.octet_length(_quarantine.body).label("size"),
    )
    query = select(*columns).order_by(_quarantine.last_received_at.desc(), _quarantine.id.desc()).limit(count)
    return (await connection.execute(query)).mappings().all()


async def find(connection: AsyncConnection, delivery_id: int) -> RowMapping | None:
    """The whole row of one, or None."""
    return (
        (await connection.execute(select(tables.quarantine).where(_quarantine.id == delivery_id)))
        .mappings()
        .one_or_none()
    )


async def ids(connection: AsyncConnection) -> Sequence[int]:
    """Every id, oldest first."""
    return (await connection.execute(select(_quarantine.id).order_by(_quarantine.id))).scalars().all()


async def reread(connection: AsyncConnection, delivery_id: int) -> events.Delivery | None:
    """Read one again; if it tells an event by now, record that in its place. None if somebody has removed it.

    Raises `orchestration.events.Unreadable` if it still tells none, and what PostgreSQL says if it refuses the event.
    """
    query = select(tables.quarantine).where(_quarantine.id == delivery_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    delivery = events.Delivery(parse(row.body), row.source, row.parameters, row.body, row.first_received_at)
    await events.record(connection, [delivery] * row.deliveries)
    await connection.execute(delete(tables.quarantine).where(_quarantine.id == delivery_id))
    return delivery
