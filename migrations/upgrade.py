"""Bring a database to the newest revision."""

import time
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import exc

TRIES = 30
SECONDS_BETWEEN = 1.0


def upgrade(database_url: str) -> None:
    """Run what is missing; nothing when nothing is. Safe to run from several places at once, and beside who writes.

    A lock that is not to be had soon is tried for again, for about a minute, before the error is raised.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    for left in reversed(range(TRIES)):
        try:
            command.upgrade(config, "head")
        except exc.DBAPIError as error:
            if left == 0 or getattr(error.orig, "sqlstate", None) != asyncpg.LockNotAvailableError.sqlstate:
                raise
            time.sleep(SECONDS_BETWEEN)
        else:
            return
