"""Questions to the database."""

import asyncio

from sqlalchemy import text

from archive import database
from cli import machine, tables


def run(query: str, form: tables.Form) -> None:
    """Print what one statement answers. The transaction is read-only: PostgreSQL itself refuses changes."""
    names, rows = asyncio.run(_ask(machine.read_settings().required_database_url(), query))
    tables.show(names, rows, form)


async def _ask(database_url: str, query: str) -> tuple[list[str], list[tuple[object, ...]]]:
    async with database.connect_once(database_url, application_name="civitai-archive sql") as connection:
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        result = await connection.exec_driver_sql(query)
        if not result.returns_rows:
            return [], []
        return list(result.keys()), [tuple(row) for row in result]
