import pytest
from sqlalchemy import text

from archive import database
from tests.cli import commands


async def test_it_makes_the_tables_and_can_be_repeated(alone: dict[str, str], without_tables: str) -> None:
    for _ in range(2):
        done = await commands.run("migrate", environment=alone | {"DATABASE_URL": without_tables})
        assert (done.code, done.out) == (0, "The database has the newest schema.\n")
    async with database.connect_once(without_tables, application_name="tests") as connection:
        assert (await connection.execute(text("SELECT count(*) FROM events"))).scalar() == 0


@pytest.mark.parametrize("command", [["migrate"], ["sql", "SELECT 1"]])
async def test_a_database_that_is_away_is_one_sentence(
    alone: dict[str, str], closed_port: int, command: list[str]
) -> None:
    url = f"postgresql://archive:hush@127.0.0.1:{closed_port}/archive"
    done = await commands.run(*command, environment=alone | {"DATABASE_URL": url})
    done.assert_failed(1, r"PostgreSQL does not answer \(.*\): check DATABASE_URL")
    assert "hush" not in done.err


async def test_without_a_database_it_asks_for_one(alone: dict[str, str]) -> None:
    done = await commands.run("migrate", environment=alone)
    done.assert_failed(2, "DATABASE_URL is not set, and no archive is up on this machine")
