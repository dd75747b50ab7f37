import asyncio
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

import migrations
from archive import database
from cli import failures, schema


async def check(url: str) -> None:
    await asyncio.to_thread(schema.check, url)


async def stamp(url: str, revision: str) -> None:
    async with database.connect_once(url, application_name="tests") as connection:
        await connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


async def test_a_database_without_tables_is_refused_with_what_to_do(without_tables: str) -> None:
    with pytest.raises(failures.CommandFailed, match="has no tables yet: run civitai-archive migrate"):
        await check(without_tables)


async def test_tables_of_an_older_release_are_refused(without_tables: str) -> None:
    (oldest,) = ScriptDirectory(str(Path(migrations.__file__).parent)).get_bases()
    await stamp(without_tables, oldest)
    with pytest.raises(failures.CommandFailed, match="has tables of an older release: run civitai-archive migrate"):
        await check(without_tables)


async def test_tables_of_a_newer_release_will_do(without_tables: str) -> None:
    await stamp(without_tables, "not_yet_written")
    await check(without_tables)


async def test_the_newest_tables_will_do(servers: dict[str, str]) -> None:
    await check(servers["DATABASE_URL"])


async def test_a_database_that_is_away_is_left_to_whoever_works_with_it(closed_port: int) -> None:
    await check(f"postgresql://archive@127.0.0.1:{closed_port}/archive")
