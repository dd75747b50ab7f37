"""A database full of history, and asking it as a dashboard would: logged in as archive_reader."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from archive import database
from bench import sql_fill
from embedded.supervisor import Addresses
from migrations import ops
from migrations.upgrade import upgrade
from tests.embedded.clients import sql
from worker import count_hours

WORKFLOWS, DAYS = 3000, 3


@contextmanager
def history(addresses: Addresses) -> Iterator[Addresses]:
    """A database of its own on this server, migrated and filled, in which archive_reader may log in meanwhile."""
    sql(addresses, "CREATE DATABASE history")
    filled = replace(addresses, database_url=addresses.database_url.replace("/archive?", "/history?"))
    try:
        upgrade(filled.database_url)
        asyncio.run(_fill(filled.database_url))
        sql(filled, f"ALTER ROLE {ops.READER} LOGIN")
        yield filled
    finally:
        sql(addresses, f"ALTER ROLE {ops.READER} NOLOGIN")
        sql(addresses, "DROP DATABASE history WITH (FORCE)")


@asynccontextmanager
async def as_reader(addresses: Addresses) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection of archive_reader's, with the limits that the role has."""
    connection = await asyncpg.connect(addresses.database_url.replace("archive@", f"{ops.READER}@"))
    try:
        yield connection
    finally:
        await connection.close()


async def _fill(database_url: str) -> None:
    engine = database.create_engine(database_url, application_name="tests")
    await sql_fill.fill(engine, workflows=WORKFLOWS, days=DAYS)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")
    await count_hours.count_hours(engine, seconds_at_most=math.inf)
    await engine.dispose()
