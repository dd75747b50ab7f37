"""How Alembic reaches the database: with DATABASE_URL, or the address that `migrations.upgrade` hands over.

An advisory lock lets two upgrades that meet run one after the other. Each migration is a transaction of its own, and
parts of some are none (`online`), so that none holds the locks of all. A statement that cannot get its lock soon gives
up, instead of making every query behind it wait; what is done by then stays, and another try goes on from there.
"""

import asyncio
import os
import time

from alembic import command, context
from sqlalchemy import Connection, text

from archive import database, settings, tables
from migrations import ops

ADVISORY_LOCK = 0x61726368  # "arch"
LOCK_TIMEOUT = "800ms"
STATEMENT_TIMEOUT = "2h"
SECONDS_BETWEEN = 0.2


def _migrate(connection: Connection) -> None:
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    _take_turns(connection)
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    remakes_views = _remakes_views(connection)
    if remakes_views:
        ops.drop(connection)
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    if remakes_views and _is_newest():
        ops.make(connection)
        connection.commit()


def _take_turns(connection: Connection) -> None:
    """Wait for an upgrade that is under way, asking again and again: whoever waits within a statement has a snapshot,
    and an index that is built beside writers waits for those.
    """
    while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": ADVISORY_LOCK}).scalar():
        connection.commit()
        time.sleep(SECONDS_BETWEEN)
    connection.commit()


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
    engine = database.create_engine(url, application_name="civitai-archive migrate", pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()  # which ends the session, and with it the advisory lock


def _told_url() -> str:
    try:
        return settings.read(os.environ).required_database_url()
    except settings.SettingsError as error:
        raise SystemExit(str(error)) from None


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database: set DATABASE_URL and leave out --sql.")
asyncio.run(_run())
