"""How Alembic reaches the database: with DATABASE_URL, or the address that `migrations.upgrade` hands over.

An advisory lock lets two upgrades that meet run one after the other. A statement that cannot get its lock soon gives
up and can be tried again, instead of making every query behind it wait.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from archive import database, settings, tables

ADVISORY_LOCK = 0x61726368  # "arch"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.metadata, transactional_ddl=True)
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()


async def _run() -> None:
    url = context.config.attributes.get("database_url") or _told_url()
    async with database.connect_once(url, application_name="civitai-archive migrate") as connection:
        await connection.run_sync(_migrate)


def _told_url() -> str:
    try:
        return settings.read(os.environ).required_database_url()
    except settings.SettingsError as error:
        raise SystemExit(str(error)) from None


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database: set DATABASE_URL and leave out --sql.")
asyncio.run(_run())
