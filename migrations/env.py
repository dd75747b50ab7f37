"""How Alembic reaches the database: with DATABASE_URL, or the address that `migrations.upgrade` hands over.

An advisory lock lets two upgrades that meet run one after the other. A statement that cannot get its lock soon gives
up and can be tried again, instead of making every query behind it wait.
"""

import asyncio
import os

from alembic import command, context
from sqlalchemy import Connection, text

from archive import database, settings, tables
from migrations import ops

ADVISORY_LOCK = 0x61726368  # "arch"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.metadata, transactional_ddl=True)
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        remakes_views = _remakes_views(connection)
        if remakes_views:
            ops.drop(connection)
        context.run_migrations()
        if remakes_views and _is_newest():
            ops.make(connection)


def _remakes_views(connection: Connection) -> bool:
    """Whether tables are about to change, or views have; commands that only look change neither."""
    options = context.config.cmd_opts  # None: `migrations.upgrade`, which has no command line
    asked = command.upgrade if options is None else options.cmd[0]
    if asked is command.upgrade:
        return not _is_newest() or ops.are_stale(connection)
    return asked is command.downgrade


def _is_newest() -> bool:
    return context.get_context().get_current_revision() == context.get_head_revision()


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
