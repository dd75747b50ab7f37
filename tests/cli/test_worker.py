import signal
from pathlib import Path

from embedded import sockets
from embedded.valkey import Valkey
from tests.cli import commands


async def test_it_works_until_it_is_asked_to_end(servers: dict[str, str], account: dict[str, str]) -> None:
    async with commands.started("worker", environment=servers | account) as worker:
        await worker.says("the worker is up")
        await worker.says("the worker is up")
        worker.send(signal.SIGTERM)
        assert await worker.ends() == 0
    assert "Traceback" not in worker.said()


async def test_losing_redis_ends_it_with_one_sentence(
    servers: dict[str, str], account: dict[str, str], tmp_path: Path
) -> None:
    socket = sockets.valkey(tmp_path)
    (tmp_path / "logs").mkdir()
    valkey = Valkey(tmp_path, socket, durable=False)
    valkey.start()
    try:
        async with commands.started(
            "worker", environment=servers | account | {"REDIS_URL": f"unix://{socket}"}
        ) as worker:
            await worker.says("the worker is up")
            valkey.kill()
            assert await worker.ends() == 1
    finally:
        valkey.stop()
    assert worker.said().splitlines()[-1].startswith("civitai-archive: Redis does not serve us (")
    assert "Traceback" not in worker.said()


async def test_redis_that_is_away_is_one_sentence(
    servers: dict[str, str], account: dict[str, str], closed_port: int
) -> None:
    redis = {"REDIS_URL": f"redis://:hush@127.0.0.1:{closed_port}"}
    done = await commands.run("worker", environment=servers | account | redis)
    done.assert_failed(1, r"Redis does not serve us \(.*\): check REDIS_URL")
    assert "hush" not in done.err


async def test_a_database_without_tables_is_one_sentence(
    servers: dict[str, str], account: dict[str, str], without_tables: str
) -> None:
    done = await commands.run("worker", environment=servers | account | {"DATABASE_URL": without_tables})
    done.assert_failed(1, "the database has no tables yet: run civitai-archive migrate")


async def test_without_a_token_it_asks_for_one(servers: dict[str, str]) -> None:
    done = await commands.run("worker", environment=servers)
    done.assert_failed(3, "CIVITAI_API_TOKEN is not set")


async def test_without_redis_it_asks_for_it(alone: dict[str, str], account: dict[str, str]) -> None:
    done = await commands.run("worker", environment=alone | account)
    done.assert_failed(2, "(REDIS|DATABASE)_URL is not set, and no archive is up on this machine")
