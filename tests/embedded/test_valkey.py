from pathlib import Path

import arq.connections

from embedded import supervisor, valkey
from tests.embedded import clients


async def test_arq_takes_the_url(tmp_path: Path) -> None:
    with supervisor.Supervisor(tmp_path, durable=False) as addresses:
        pool = await arq.connections.create_pool(arq.connections.RedisSettings.from_dsn(addresses.redis_url))
        assert await pool.ping()
        await pool.aclose()


def test_what_was_written_survives_a_stop_and_a_crash(tmp_path: Path) -> None:
    keeper = supervisor.Supervisor(tmp_path)
    with keeper as addresses:
        with clients.valkey(addresses) as client:
            assert client.config_get("port", "appendfsync") == {"port": "0", "appendfsync": "everysec"}
            client.set("stopped", "yes")
        keeper.valkey.stop()
        keeper.valkey.start()
        with clients.valkey(addresses) as client:
            client.set("killed", "yes")
        keeper.valkey.kill()
        assert not keeper.valkey.running
        keeper.valkey.start()
        with clients.valkey(addresses) as client:
            assert client.mget("stopped", "killed") == ["yes", "yes"]


def test_nobody_answers_where_there_is_no_socket(tmp_path: Path) -> None:
    assert not valkey.answers(tmp_path / "valkey.sock")
