"""Migrations: from nothing to today, safely from several places at once, and the same as the tables in code."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from archive import tables
from embedded.supervisor import Addresses
from migrations.upgrade import upgrade
from tests.embedded.clients import sql

HOUSE = Path(__file__).parents[1]


@pytest.fixture
def empty_database(addresses: Addresses) -> Iterator[Addresses]:
    """A database with nothing in it, on the server of all tests."""
    sql(addresses, "CREATE DATABASE migrating")
    yield replace(addresses, database_url=addresses.database_url.replace("/archive?", "/migrating?"))
    sql(addresses, "DROP DATABASE migrating WITH (FORCE)")


def alembic(*arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url}
    command = [sys.executable, "-m", "alembic", *arguments]
    return subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False, timeout=90)


def tables_of(database: Addresses) -> set[str]:
    return set(sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").split())


ALL_TABLES = {table.name for table in tables.metadata.sorted_tables} | {"alembic_version"}


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(empty_database: Addresses) -> None:
    upgrade(empty_database.database_url)
    assert tables_of(empty_database) == ALL_TABLES
    sql(empty_database, "INSERT INTO objects (digest, size, stored_at) VALUES (sha256('x'), 1, now())")
    upgrade(empty_database.database_url)
    assert sql(empty_database, "SELECT count(*) FROM objects") == "1"


def test_alembic_itself_works_too_and_sees_no_drift(empty_database: Addresses) -> None:
    for command in (("upgrade", "head"), ("check",), ("downgrade", "base"), ("upgrade", "head")):
        done = alembic(*command, database_url=empty_database.database_url)
        assert done.returncode == 0, done.stderr
    assert tables_of(empty_database) == ALL_TABLES


def test_upgrades_that_meet_run_one_after_the_other(empty_database: Addresses) -> None:
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: alembic("upgrade", "head", database_url=empty_database.database_url), range(3)))
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert tables_of(empty_database) == ALL_TABLES


def test_a_constraint_has_a_name_that_tells_its_table_and_columns(addresses: Addresses) -> None:
    names = sql(
        addresses,
        "SELECT conrelid::regclass || ' ' || conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace "
        "WHERE nspname = 'public' AND contype IN ('p', 'u', 'f', 'c') "
        "AND conrelid::regclass::text <> 'alembic_version'",
    ).splitlines()
    assert names
    for name in names:
        table, constraint = name.split()
        assert constraint.split("_")[0] in ("pk", "uq", "fk", "ck")
        assert constraint.removeprefix(constraint[:3]).startswith(table)


def test_postgresql_keeps_what_each_table_is(addresses: Addresses) -> None:
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND {}"
    without = sql(addresses, query.format("obj_description(oid, 'pg_class') IS NULL"))
    assert without == "alembic_version"


def test_a_lock_that_somebody_holds_is_not_waited_for_without_end(empty_database: Addresses) -> None:
    upgrade(empty_database.database_url)
    with ThreadPoolExecutor() as pool:
        holding = pool.submit(sql, empty_database, "BEGIN; LOCK TABLE attempts; SELECT pg_sleep(100)")
        while sql(empty_database, "SELECT count(*) FROM pg_locks WHERE relation = 'attempts'::regclass") == "0":
            time.sleep(0.05)
        done = alembic("downgrade", "base", database_url=empty_database.database_url)
        sql(
            empty_database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'migrating' AND pid <> pg_backend_pid()",
        )
        assert holding.exception() is not None, "it was not held for long enough"
    assert done.returncode != 0
    assert "lock timeout" in done.stderr
    # Whatever was done by then, another try goes on from there.
    upgrade(empty_database.database_url)
    assert tables_of(empty_database) == ALL_TABLES


@pytest.mark.parametrize(
    ("arguments", "database_url", "told"),
    [
        (("upgrade", "head"), "", "DATABASE_URL is not set"),
        (("upgrade", "head"), "mysql://hush@localhost/a", "DATABASE_URL does not begin with postgresql://"),
        (("upgrade", "head", "--sql"), "postgresql://localhost/a", "leave out --sql"),
    ],
)
def test_a_wrong_use_ends_in_one_sentence(arguments: tuple[str, ...], database_url: str, told: str) -> None:
    done = alembic(*arguments, database_url=database_url)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert told in sentence
    assert "hush" not in sentence
