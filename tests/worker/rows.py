"""Our rows, as a test makes them due and looks at them."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events, tables
from orchestration.events import parse


async def tell(engine: AsyncEngine, workflow_id: str, status: str = "succeeded", **fields: object) -> list[str]:
    """Record an event as the receiver does: of the workflow, if the fields do not say otherwise."""
    body = {"$type": "workflow", "workflowId": workflow_id, "status": status, **fields}
    return await record(engine, body)


async def record(engine: AsyncEngine, *bodies: dict[str, Any]) -> list[str]:
    """Record what these callback bodies tell; the ids that have become due."""
    told = [json.dumps(body).encode() for body in bodies]
    deliveries = [events.Delivery(parse(body), "first", {}, body) for body in told]
    async with engine.begin() as connection:
        return (await events.record(connection, deliveries)).due


async def select(engine: AsyncEngine, query: str, **parameters: object) -> Sequence[RowMapping]:
    async with engine.connect() as connection:
        return (await connection.execute(text(query), parameters)).mappings().all()


async def one(engine: AsyncEngine, query: str, **parameters: object) -> RowMapping:
    (row,) = await select(engine, query, **parameters)
    return row


async def results(engine: AsyncEngine) -> Sequence[RowMapping]:
    """Every result, and in how many ways it is settled."""
    query = "SELECT *, num_nonnulls(stored_at, withheld_at, gone_at, dead_at) AS settled FROM results ORDER BY id"
    return await select(engine, query)


async def execute(engine: AsyncEngine, statement: str, **parameters: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), parameters)


async def let_time_pass(engine: AsyncEngine) -> None:
    """Have the time come for whatever was put off."""
    await execute(engine, "UPDATE results SET next_attempt_at = now()")
    await execute(engine, "UPDATE workflows SET due_at = now() WHERE due_at IS NOT NULL")


async def empty(engine: AsyncEngine) -> None:
    """Forget everything."""
    names = ", ".join(table.name for table in tables.metadata.sorted_tables)
    await execute(engine, f"TRUNCATE {names} RESTART IDENTITY CASCADE")


async def archived(engine: AsyncEngine, count: int = 1) -> bool:
    """Whether there are so many workflows, all of them archived and given back by their owners."""
    row = await one(
        engine,
        "SELECT count(*) AS told, count(archived_at) AS archived, count(leased_until) AS held FROM workflows",
    )
    return bool(row["told"] == row["archived"] == count and not row["held"])
