import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from archive import access, settings
from embedded import orphans, supervisor
from orchestration.client import Client
from sandbox.server import Sandbox
from tests import working
from tests.cli import commands
from tests.cli.conftest import SECRET


async def sql(environment: dict[str, str], query: str) -> list[dict[str, object]]:
    done = await commands.run("sql", query, "--json", environment=environment)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


async def submitted(sandbox: Sandbox, port: int) -> str:
    """The id of a workflow that calls this port back."""
    secret = settings.CallbackSecret("cli", settings.Secret(SECRET))
    callback = access.callbacks_entry(access.callback_url(f"http://127.0.0.1:{port}", secret))
    step = {"$type": "textToImage", "input": {"prompt": "a cat"}}
    async with Client(sandbox.api_url, sandbox.token) as civitai:
        return str((await civitai.submit({"steps": [step], "callbacks": [callback]}))["id"])


async def archived(environment: dict[str, str], workflow_id: str) -> None:
    async def it_is() -> bool:
        query = f"SELECT id FROM workflows WHERE id = '{workflow_id}' AND archived_at IS NOT NULL"  # noqa: S608
        return bool(await sql(environment, query))

    await working.eventually(it_is, what="archiving", within=60)


async def test_one_command_archives_and_survives_the_loss_of_valkey(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, free_port: int
) -> None:
    home = Path(alone["ARCHIVE_HOME"])
    async with commands.started("up", "--port", str(free_port), environment=alone | account) as up:
        await up.says('"event": "up"')
        await archived(alone, await submitted(sandbox, free_port))
        assert {row["source"] for row in await sql(alone, "SELECT source FROM events")} == {"cli"}

        (valkey,) = orphans.find("valkey-server", home / "valkey")
        os.kill(valkey, signal.SIGKILL)

        async def another_one() -> bool:
            return orphans.find("valkey-server", home / "valkey") not in ([], [valkey]) and bool(
                supervisor.addresses_of(home)
            )

        await working.eventually(another_one, what="another Valkey")
        await archived(alone, await submitted(sandbox, free_port))

        up.send(signal.SIGTERM)
        assert await up.ends() == 0
        assert commands.running_in(home) == {}
    assert SECRET not in up.said()


async def test_after_its_kill_its_processes_end_and_the_next_one_finds_the_servers(
    alone: dict[str, str], account: dict[str, str], free_port: int
) -> None:
    home = Path(alone["ARCHIVE_HOME"])
    async with commands.started("up", "--port", str(free_port), environment=alone | account) as up:
        await up.says('"event": "up"')
        up.send(signal.SIGKILL)
        await up.ends()

        async def only_servers() -> bool:
            return not any(" -m cli " in command for command in commands.running_in(home).values())

        await working.eventually(only_servers, what="the end of the receiver and the worker")
        left = set(commands.running_in(home))
        assert left
        async with commands.started("up", "--port", str(free_port), environment=alone | account) as again:
            await again.says('"event": "up"')
            assert left.isdisjoint(commands.running_in(home))
            again.send(signal.SIGINT)
            assert await again.ends() == 0
            assert commands.running_in(home) == {}


async def test_with_servers_of_its_own_it_starts_none(
    servers: dict[str, str], account: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    storage = {"STORAGE_URL": (tmp_path / "storage").as_uri()}
    environment = servers | account | storage
    async with commands.started("up", "--port", str(free_port), environment=environment) as up:
        await up.says('"event": "up"')
        async with httpx.AsyncClient() as http:
            for port in (free_port, environment["GATEWAY_PORT"]):
                assert (await http.get(f"http://127.0.0.1:{port}/ready")).is_success
        assert not any(
            "postgres" in command or "valkey" in command for command in commands.running_in(up.home).values()
        )
        up.send(signal.SIGTERM)
        assert await up.ends() == 0
    assert not {"postgres", "valkey"} & {path.name for path in up.home.glob("*")}


async def test_a_signal_while_the_servers_start_leaves_nothing(
    alone: dict[str, str], account: dict[str, str], free_port: int
) -> None:
    async with commands.started("up", "--port", str(free_port), environment=alone | account) as up:

        async def initdb_runs() -> bool:
            return any(up.home.glob("postgres*"))

        await working.eventually(initdb_runs, what="initdb")
        up.send(signal.SIGINT)
        assert await up.ends() == 0
        assert commands.running_in(up.home) == {}
    assert "Traceback" not in up.said()


async def test_a_taken_port_is_one_sentence_before_anything_is_started(
    alone: dict[str, str], account: dict[str, str], taken_port: int, tmp_path: Path
) -> None:
    done = await commands.run("up", "--port", str(taken_port), environment=alone | account)
    done.assert_failed(1, rf"cannot listen on 127\.0\.0\.1 port {taken_port}")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("variable", ["GATEWAY_PORT", "MCP_PORT"])
async def test_so_is_a_taken_port_of_the_gateways(
    alone: dict[str, str], account: dict[str, str], free_port: int, taken_port: int, variable: str
) -> None:
    taken = {variable: str(taken_port)}
    done = await commands.run("up", "--port", str(free_port), environment=alone | account | taken)
    done.assert_failed(1, rf"cannot listen on 127\.0\.0\.1 port {taken_port} .* {variable}")


async def test_a_locked_home_is_one_sentence(alone: dict[str, str], account: dict[str, str], free_port: int) -> None:
    home = Path(alone["ARCHIVE_HOME"])
    with supervisor.Supervisor(home, durable=False):
        done = await commands.run("up", "--port", str(free_port), environment=alone | account)
    done.assert_failed(1, f"{home} is in use by process {os.getpid()}: stop that first, or set ARCHIVE_HOME")


async def test_a_home_that_cannot_be_written_is_one_sentence(
    alone: dict[str, str], account: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    home = {"ARCHIVE_HOME": str(tmp_path / "file" / "home")}
    done = await commands.run("up", "--port", str(free_port), environment=alone | account | home)
    done.assert_failed(1, "cannot be used .* or set ARCHIVE_HOME to another one")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs unshare")
async def test_root_without_unshare_is_told_the_two_ways_out(
    alone: dict[str, str], account: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    nothing = {"PATH": str(tmp_path)}
    done = await commands.run("up", "--port", str(free_port), environment=alone | account | nothing)
    done.assert_failed(1, "no `unshare` program.*: run as a normal user, or set DATABASE_URL and REDIS_URL")
    assert commands.running_in(Path(alone["ARCHIVE_HOME"])) == {}


async def test_redis_that_is_away_is_one_sentence(
    servers: dict[str, str], account: dict[str, str], free_port: int, closed_port: int
) -> None:
    environment = servers | account | {"REDIS_URL": f"redis://127.0.0.1:{closed_port}"}
    done = await commands.run("up", "--port", str(free_port), environment=environment)
    done.assert_failed(1, r"Redis does not serve us \(.*\): check REDIS_URL")
