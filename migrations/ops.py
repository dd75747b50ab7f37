"""The views of the schema `ops`, and the role that may read them.

A view holds nothing, so it has no history: its text is one file under `views/`, changed in place. `env.py` drops the
views before migrations that are due, so that none meets one, and makes them anew afterwards, in the same transaction.
"""

import hashlib
from pathlib import Path
from typing import cast

import structlog
from sqlalchemy import AdaptedConnection, Connection, exc, text

READER = "archive_reader"

VIEWS = (
    "workflows",
    "steps",
    "jobs",
    "results",
    "events",
    "queue",
    "pauses",
    "spools",
    "archive_lag",
    "throughput",
    "throughput_by_tag",
    "callbacks",
    "announcements",
    "listings",
    "failures",
    "civitai_failures",
    "at_risk",
    "not_kept",
    "buzz",
    "buzz_by_tag",
    "paid_not_delivered",
    "storage",
    "fixity",
    "damaged",
    "pruned",
    "gateway_keys",
    "quarantine",
    "drift",
)
"""In the order in which they are made: a view may read those before it."""

_FILES = Path(__file__).parent / "views"

GRANTS = (
    f"GRANT USAGE ON SCHEMA ops TO {READER}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA ops TO {READER}",
)
SETTINGS = (
    "statement_timeout = '15s'",
    "idle_in_transaction_session_timeout = '60s'",
    "default_transaction_read_only = on",
    "search_path = ops",
    # Rows of one time lie together: what an index leads to is mostly on a page that was just read, while reading a
    # table whole means reading years of wide rows.
    "random_page_cost = 0.5",
    "work_mem = '32MB'",
    "jit = off",
)
"""What holds when the role itself logs in; PostgreSQL does not pass it on to members of the role."""

_REFUSED = "42501"
_THERE_ALREADY = {"42710", "23505"}  # of two databases of one cluster that are upgraded at once

log = structlog.get_logger()


def are_stale(connection: Connection) -> bool:
    """Whether the views in the database are not those of the files."""
    made_from = connection.execute(text("SELECT obj_description(to_regnamespace('ops'), 'pg_namespace')")).scalar()
    return made_from != _comment()


def drop(connection: Connection) -> None:
    """Remove every view. PostgreSQL refuses if somebody has made a view of his own from one."""
    names = connection.execute(
        text("SELECT string_agg(format('ops.%I', viewname), ', ') FROM pg_views WHERE schemaname = 'ops'")
    ).scalar()
    if names:
        connection.execute(text(f"DROP VIEW {names}"))
        # What is interrupted from here on is made good by the next upgrade.
        connection.execute(text("COMMENT ON SCHEMA ops IS NULL"))


def make(connection: Connection) -> None:
    """Make every view, and let the reader at them."""
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
    for view in VIEWS:
        _run_script(connection, (_FILES / f"{view}.sql").read_text())
    _admit_reader(connection)
    connection.execute(text(f"COMMENT ON SCHEMA ops IS '{_comment()}'"))


def _comment() -> str:
    """What the schema says of itself, with the digest of all that makes it."""
    sha256 = hashlib.sha256()
    for part in (*((_FILES / f"{view}.sql").read_text() for view in VIEWS), *GRANTS, *SETTINGS):
        sha256.update(part.encode() + b"\0")
    return f"What operators ask, answered by views. Made from {sha256.hexdigest()[:16]}"


def _admit_reader(connection: Connection) -> None:
    """Make the role if it is missing, grant it the views and nothing else, and set its limits in this database.

    Roles belong to the whole server: it may be there already, and who migrates may not be allowed to make one.
    """
    exists = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :reader)")
    if not connection.execute(exists, {"reader": READER}).scalar() and not _may(
        connection, f"CREATE ROLE {READER} NOLOGIN"
    ):
        log.warning(
            "dashboards cannot read: the role is missing, and this database user may not make it",
            role=READER,
            have_an_administrator_run=f"CREATE ROLE {READER} NOLOGIN",
            then_run="; ".join(GRANTS),
        )
        return
    for grant in GRANTS:
        connection.execute(text(grant))
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    limits = [f"ALTER ROLE {READER} IN DATABASE {database} SET {limit}" for limit in SETTINGS]
    if not all(_may(connection, limit) for limit in limits):
        log.warning(
            "the reader has no time limit: this database user may not give it one",
            role=READER,
            have_an_administrator_run="; ".join(limits),
        )


def _may(connection: Connection, statement: str) -> bool:
    """Run a statement; False when we are not allowed to."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except exc.DBAPIError as error:
        sqlstate = getattr(error.orig, "sqlstate", None)
        if sqlstate == _REFUSED:
            return False
        if sqlstate not in _THERE_ALREADY:
            raise
    return True


def _run_script(connection: Connection, script: str) -> None:
    """Run several statements at once, which the driver does and SQLAlchemy does not."""
    adapted = cast(AdaptedConnection, connection.connection.dbapi_connection)  # the engine is an asynchronous one
    adapted.run_async(lambda driver: driver.execute(script))
