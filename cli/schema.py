"""Whether the database has the tables that this code works with."""

import asyncio
from pathlib import Path

import structlog
from alembic.script import ScriptDirectory
from sqlalchemy import text

import migrations
from archive import database
from cli import failures

log = structlog.get_logger()


def check(database_url: str) -> None:
    """Raise CommandFailed when the tables are missing or older than this code.

    Newer ones will do: a migration keeps what the code that still runs needs. A database that is away is no reason not
    to start: whoever works with it tries again.
    """
    try:
        revision = asyncio.run(_revision(database_url))
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        log.warning("PostgreSQL does not answer yet; is DATABASE_URL right?", error=repr(error))
        return
    known = ScriptDirectory(str(Path(migrations.__file__).parent))
    older = {script.revision for script in known.walk_revisions()} - set(known.get_heads())
    if revision is None or revision in older:
        state = "has no tables yet" if revision is None else "has tables of an older release"
        raise failures.CommandFailed(f"the database {state}: run civitai-archive migrate.")


async def _revision(database_url: str) -> str | None:
    async with database.connect_once(database_url, application_name="civitai-archive") as connection:
        if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar() is None:
            return None
        return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
