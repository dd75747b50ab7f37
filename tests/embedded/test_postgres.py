import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio

from embedded import errors, supervisor
from tests.embedded import clients


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[supervisor.Addresses]:
    with supervisor.Supervisor(tmp_path_factory.mktemp("home"), durable=False) as addresses:
        yield addresses


def test_the_database_is_called_archive_and_owned_by_archive(up: supervisor.Addresses) -> None:
    query = "SELECT current_database(), current_user, pg_get_userbyid(datdba), pg_encoding_to_char(encoding) "
    query += "FROM pg_database WHERE datname = current_database()"
    assert clients.sql(up, query) == "archive|archive|archive|UTF8"


def test_nothing_listens_on_a_port(up: supervisor.Addresses) -> None:
    assert clients.sql(up, "SHOW listen_addresses") == ""


async def test_asyncpg_and_sqlalchemy_take_the_url_whatever_the_environment_says(
    up: supervisor.Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "stranger.invalid")
    connection = await asyncpg.connect(up.database_url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    url = sqlalchemy.make_url(up.database_url).set(drivername="postgresql+asyncpg")
    engine = sqlalchemy_asyncio.create_async_engine(url)
    async with engine.connect() as alchemy:
        assert (await alchemy.execute(sqlalchemy.text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


def test_commits_survive_a_crash_of_the_server(home: Path) -> None:
    keeper = supervisor.Supervisor(home)
    with keeper as addresses:
        assert clients.sql(addresses, "SHOW fsync") == "on"
        clients.sql(addresses, "CREATE TABLE kept AS SELECT 42 AS answer")
        keeper.postgres.kill()
        assert not keeper.postgres.running
        keeper.postgres.start()
        assert clients.sql(addresses, "SELECT answer FROM kept") == "42"


def test_a_dropped_database_is_made_again(home: Path) -> None:
    keeper = supervisor.Supervisor(home, durable=False)
    with keeper as addresses:
        assert clients.sql(addresses, "SHOW fsync") == "off"
        elsewhere = supervisor.Addresses(addresses.database_url.replace("/archive?", "/postgres?"), addresses.redis_url)
        clients.sql(elsewhere, "DROP DATABASE archive")
        keeper.postgres.stop()
        keeper.postgres.start()
        assert clients.sql(addresses, "SELECT 1") == "1"


def test_a_kill_in_the_midst_of_making_the_database_leaves_nothing_half_made(home: Path) -> None:
    script = "import sys, pathlib; from embedded import supervisor;"
    script += "supervisor.Supervisor(pathlib.Path(sys.argv[1])).start()"
    with subprocess.Popen([sys.executable, "-c", script, home]) as process:
        deadline = time.monotonic() + 20
        while not list(home.glob("postgres.new-*/PG_VERSION")) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    assert not (home / "postgres").exists()
    with supervisor.Supervisor(home, durable=False) as addresses:
        assert clients.sql(addresses, "SELECT 1") == "1"
    assert not list(home.glob("postgres.new-*"))


def test_a_pid_file_that_names_a_living_stranger_does_not_matter(home: Path) -> None:
    keeper = supervisor.Supervisor(home, durable=False)
    with keeper, subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        keeper.postgres.kill()
        pid_file = home / "postgres" / "postmaster.pid"
        _, rest = pid_file.read_text().split("\n", 1)
        pid_file.write_text(f"{stranger.pid}\n{rest}")
        keeper.postgres.start()
        assert keeper.postgres.running
        assert stranger.poll() is None
        stranger.kill()


def test_a_broken_setting_is_told_in_the_words_of_the_log(home: Path) -> None:
    with supervisor.Supervisor(home, durable=False):
        pass
    with (home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("nonsense = 1\n")
    with pytest.raises(errors.ServerDidNotStart, match="PostgreSQL did not start") as failed:
        supervisor.Supervisor(home, durable=False).start()
    assert 'unrecognized configuration parameter "nonsense"' in failed.value.tail
    assert str(home / "logs" / "postgres.log") in str(failed.value)


def test_a_database_of_another_major_version_is_left_alone(home: Path) -> None:
    (home / "postgres").mkdir(parents=True, mode=0o700)
    (home / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(errors.HomeOfOtherVersion, match="made by PostgreSQL 12"):
        supervisor.Supervisor(home, durable=False).start()
    assert [path.name for path in (home / "postgres").iterdir()] == ["PG_VERSION"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory in a stranger's name")
def test_a_strangers_database_is_refused(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    (home / "postgres").mkdir(parents=True, mode=0o700)
    os.chown(home / "postgres", 65534, 65534)
    with pytest.raises(errors.HomeUnusable, match="user 65534 owns its database"):
        supervisor.Supervisor(home, durable=False).start()
