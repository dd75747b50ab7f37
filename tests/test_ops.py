"""The schema `ops`: every view there, explained, and readable by the reader alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from archive import database
from embedded.supervisor import Addresses, Supervisor
from migrations import ops
from migrations.upgrade import upgrade
from tests import reading
from tests.embedded.clients import sql

FILES = Path(ops.__file__).parent / "views"


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """A server of its own, since roles belong to the whole server."""
    with Supervisor(tmp_path_factory.mktemp("home"), durable=False) as addresses:
        yield addresses


def test_every_file_is_a_view_and_every_view_a_file(addresses: Addresses) -> None:
    made = sql(addresses, "SELECT viewname FROM pg_views WHERE schemaname = 'ops'").split()
    assert sorted(ops.VIEWS) == sorted(made) == sorted(file.stem for file in FILES.iterdir())


def test_every_view_and_every_column_says_what_it_is(addresses: Addresses) -> None:
    silent = sql(
        addresses,
        """
        SELECT relname || coalesce('.' || attname, '')
        FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relnamespace = 'ops'::regnamespace
          AND (col_description(pg_class.oid, attnum) IS NULL OR obj_description(pg_class.oid, 'pg_class') IS NULL)
        """,
    )
    assert silent == ""


@pytest.mark.parametrize("view", ops.VIEWS)
async def test_every_view_tells_the_reader_something_of_a_full_database(history: Addresses, view: str) -> None:
    async with reading.as_reader(history) as connection:
        assert await connection.fetch(f"SELECT * FROM {view} LIMIT 1")  # noqa: S608


async def test_the_reader_sees_no_bodies_documents_parameters_urls_nor_secrets(history: Addresses) -> None:
    body, document = "body = 'MARK'", '= \'{"a": ["MARK"]}\''
    marks = {
        "events": f"{body}, projection {document}, parameters {document}",
        "quarantine": f"{body}, parameters {document}",
        "workflows": f"document {document}, metadata {document}",
        "steps": f"input {document}, output {document}",
        "jobs": f"document {document}",
        "results": "url = 'https://blobs.example/a?sig=MARK'",
    }
    owner = await asyncpg.connect(history.database_url)
    transaction = owner.transaction()
    await transaction.start()
    try:
        for table, told in marks.items():
            assert await owner.execute(f"UPDATE public.{table} SET {told}") != "UPDATE 0"  # noqa: S608
        for view in ops.VIEWS:
            found = await owner.fetchval(
                f"SELECT count(*) FROM ops.{view} AS row WHERE row::text ~ 'MARK|4d41524b'"  # noqa: S608
            )
            assert found == 0, view
    finally:
        await transaction.rollback()
        await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.events",
        "SELECT body FROM public.quarantine",
        "SELECT url FROM public.results",
        "SELECT * FROM public.alembic_version",
        "SET default_transaction_read_only = off; DELETE FROM ops.pauses",
        "SET default_transaction_read_only = off; CREATE TABLE public.mine (a int)",
        "SET default_transaction_read_only = off; CREATE VIEW ops.mine AS SELECT 1 AS a",
        "CREATE TEMPORARY TABLE mine (a int)",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
async def test_the_reader_reaches_nothing_else(history: Addresses, statement: str) -> None:
    async with reading.as_reader(history) as connection:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute(statement)


async def test_the_reader_has_limits(history: Addresses) -> None:
    async with reading.as_reader(history) as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "15s"
        assert await connection.fetchval("SHOW default_transaction_read_only") == "on"


def test_views_that_are_not_those_of_the_files_are_made_anew(other_server: Addresses) -> None:
    upgrade(other_server.database_url)
    sql(other_server, "DROP VIEW ops.fixity; CREATE VIEW ops.older AS SELECT 1 AS a; COMMENT ON SCHEMA ops IS 'older'")
    upgrade(other_server.database_url)
    views = sql(other_server, "SELECT viewname FROM pg_views WHERE schemaname = 'ops'").split()
    assert sorted(views) == sorted(ops.VIEWS)


def test_views_that_an_interrupted_upgrade_has_dropped_are_made_anew(other_server: Addresses) -> None:
    async def drop() -> None:
        async with database.connect_once(other_server.database_url, application_name="tests") as connection:
            await connection.run_sync(ops.drop)

    upgrade(other_server.database_url)
    asyncio.run(drop())
    assert sql(other_server, "SELECT count(*) FROM pg_views WHERE schemaname = 'ops'") == "0"
    upgrade(other_server.database_url)
    assert sql(other_server, "SELECT count(*) FROM pg_views WHERE schemaname = 'ops'") == str(len(ops.VIEWS))


def test_views_that_are_those_of_the_files_are_left_alone(other_server: Addresses) -> None:
    upgrade(other_server.database_url)
    before = sql(other_server, "SELECT 'ops.fixity'::regclass::oid")
    upgrade(other_server.database_url)
    assert sql(other_server, "SELECT 'ops.fixity'::regclass::oid") == before


def test_nobody_can_log_in_as_the_reader_before_an_administrator_says_so(other_server: Addresses) -> None:
    upgrade(other_server.database_url)
    assert sql(other_server, "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'archive_reader'") == "f|f"


def test_a_second_database_of_the_server_shares_the_reader(other_server: Addresses) -> None:
    upgrade(other_server.database_url)
    sql(other_server, "CREATE DATABASE second")
    second = replace(other_server, database_url=other_server.database_url.replace("/archive?", "/second?"))
    upgrade(second.database_url)
    assert sql(second, "SET ROLE archive_reader; SELECT count(*) FROM ops.workflows") == "0"


def test_an_owner_who_may_not_make_roles_gets_all_but_the_reader_and_is_told(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "home", durable=False) as addresses:
        sql(addresses, "CREATE ROLE plain LOGIN")
        sql(addresses, "CREATE DATABASE theirs OWNER plain")
        theirs = replace(addresses, database_url=addresses.database_url.replace("archive@/archive?", "plain@/theirs?"))
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=FILES.parents[1],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": theirs.database_url},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert "CREATE ROLE archive_reader NOLOGIN" in done.stdout + done.stderr
        assert sql(theirs, "SELECT count(*) FROM ops.workflows") == "0"

        # What the warning says is enough.
        sql(addresses, "CREATE ROLE archive_reader NOLOGIN")
        sql(theirs, "; ".join(ops.GRANTS))
        as_administrator = theirs.database_url.replace("plain@", "archive@")
        administrator = replace(theirs, database_url=as_administrator)
        assert sql(administrator, "SET ROLE archive_reader; SELECT count(*) FROM ops.workflows") == "0"
