"""Questions to the database."""

import asyncio
import json

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import database
from cli import failures, machine, tables


def run(query: str, form: tables.Form) -> None:
    """Print what one statement answers. The transaction is read-only: PostgreSQL itself refuses changes."""
    names, rows = asyncio.run(_ask(machine.read_settings().required_database_url(), query))
    tables.show(names, rows, form)


async def _ask(database_url: str, query: str) -> tuple[list[str], list[tuple[object, ...]]]:
    async with database.connect_once(database_url, application_name="civitai-archive sql") as connection:
        await _read_json(connection)
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        result = await connection.exec_driver_sql(query)
        if not result.returns_rows:
            raise failures.CommandFailed("that returns no rows: ask with SELECT, as in SELECT count(*) FROM workflows.")
        return list(result.keys()), [tuple(row) for row in result]


async def _read_json(connection: AsyncConnection) -> None:
    """Have JSON columns arrive as what they hold; SQLAlchemy would, but only where it knows the columns."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - it was just connected
    for name in ("json", "jsonb"):
        await driver.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
