"""Events for an intake, and what has become of them."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events
from receiver.deliveries import Delivery
from receiver.intake import Intake
from tests.archive.factories import delivery, rows, workflow_event


def event(number: int, status: str = "processing") -> events.Delivery:
    return delivery(workflow_event(f"wf{number:04}", status))


async def keep(taking: Intake, *told: Delivery) -> list[BaseException | None]:
    return await asyncio.gather(*(taking.keep(one) for one in told), return_exceptions=True)


async def ids(engine: AsyncEngine) -> list[str]:
    return [row[0] for row in await rows(engine, "SELECT workflow_id FROM events ORDER BY workflow_id")]
