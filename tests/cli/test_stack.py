import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from archive import settings
from cli import failures, processes, stack
from tests import working
from tests.cli import commands


async def test_logs_go_where_they_are_told_and_a_killed_process_is_started_again(
    servers: dict[str, str], account: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    environment = servers | account | {"STORAGE_URL": (tmp_path / "storage").as_uri()}
    home, config = Path(servers["ARCHIVE_HOME"]), settings.read(environment)

    def receivers() -> list[int]:
        return [pid for pid, command in commands.running_in(home).items() if " receiver " in command]

    async with stack.running(
        config, environment, host="127.0.0.1", port=free_port, log_directory=tmp_path
    ) as addresses:
        assert addresses.database_url == servers["DATABASE_URL"]
        (killed,) = receivers()
        os.kill(killed, signal.SIGKILL)

        async def ready_again() -> bool:
            try:
                async with httpx.AsyncClient() as http:
                    return (await http.get(f"http://127.0.0.1:{free_port}/ready")).is_success
            except httpx.TransportError:
                return False

        await asyncio.sleep(0.1)
        await working.eventually(ready_again, what="another receiver")
        assert receivers() != [killed]
    assert commands.running_in(home) == {}
    assert "the worker is up" in (tmp_path / "worker.log").read_text()
    assert (tmp_path / "receiver.log").exists()


async def test_a_process_that_ends_at_once_ends_it_all(
    servers: dict[str, str], account: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    environment = servers | account
    config = settings.read(environment)
    with pytest.raises(
        processes.Ended, match=r"the (worker|receiver) ended at once, with exit code 2; .*\.log says why"
    ):
        async with stack.running(
            config, environment | {"RECEIVER_PORT": "x"}, host="127.0.0.1", port=free_port, log_directory=tmp_path
        ):
            pass
    assert commands.running_in(Path(servers["ARCHIVE_HOME"])) == {}


async def test_a_taken_port_is_said_first(servers: dict[str, str], account: dict[str, str], taken_port: int) -> None:
    config = settings.read(servers | account)
    with pytest.raises(failures.CommandFailed, match="cannot listen"):
        async with stack.running(config, servers | account, host="127.0.0.1", port=taken_port):
            pass
