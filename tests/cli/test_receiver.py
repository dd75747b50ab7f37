import asyncio
import signal

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests import ports, working
from tests.cli import commands
from tests.cli.conftest import SECRET


@pytest.fixture
def environment_of_it(servers: dict[str, str], free_port: int) -> dict[str, str]:
    return servers | {"CALLBACK_SECRETS": f"cli:{SECRET}", "RECEIVER_PORT": str(free_port)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_asked_to_end(
    environment_of_it: dict[str, str], free_port: int, number: signal.Signals
) -> None:
    async with (
        commands.started("receiver", environment=environment_of_it) as receiver,
        httpx.AsyncClient(timeout=60) as http,
    ):
        await receiver.answers(f"http://127.0.0.1:{free_port}/ready")
        event = {"$type": "workflow", "workflowId": "w-1", "status": "processing"}
        url = f"http://127.0.0.1:{free_port}/callbacks?token={SECRET}"
        assert (await http.post(url, json=event)).status_code == 202
        receiver.send(number)
        assert await receiver.ends() == 0
    assert SECRET not in receiver.said()
    assert "Traceback" not in receiver.said()


async def test_a_taken_port_is_one_sentence(environment_of_it: dict[str, str], taken_port: int) -> None:
    done = await commands.run("receiver", "--port", str(taken_port), environment=environment_of_it)
    done.assert_failed(1, rf"cannot listen on 127\.0\.0\.1 port {taken_port} \(.*\): choose .* RECEIVER_PORT")


async def test_a_database_without_tables_is_one_sentence(
    environment_of_it: dict[str, str], without_tables: str
) -> None:
    done = await commands.run("receiver", environment=environment_of_it | {"DATABASE_URL": without_tables})
    done.assert_failed(1, "the database has no tables yet: run civitai-archive migrate")


async def test_without_a_secret_it_asks_for_one(environment_of_it: dict[str, str]) -> None:
    done = await commands.run("receiver", environment=environment_of_it | {"CALLBACK_SECRETS": ""})
    done.assert_failed(2, "CALLBACK_SECRETS is not set")


@pytest.fixture
def other_port() -> int:
    return ports.free()


async def test_several_processes_share_the_port_and_their_metrics_add_up(
    environment_of_it: dict[str, str], free_port: int, other_port: int
) -> None:
    environment = environment_of_it | {"RECEIVER_METRICS": f"127.0.0.1:{other_port}"}
    url = f"http://127.0.0.1:{free_port}/callbacks?token={SECRET}"

    async def told(http: httpx.AsyncClient) -> dict[str, float]:
        text = (await http.get(f"http://127.0.0.1:{other_port}/metrics")).text
        assert SECRET not in text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    async with (
        commands.started("receiver", "--host", "127.0.0.1", "--workers", "2", environment=environment) as receiver,
        httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), timeout=60) as http,
    ):
        await receiver.answers(f"http://127.0.0.1:{free_port}/ready")
        for number in range(40):
            event = {"$type": "workflow", "workflowId": f"w-{number % 30}", "status": "processing"}
            assert (await http.post(url, json=event)).status_code == 202
        assert (await http.post(url, content=b"no event")).status_code == 202
        assert (await http.post(f"{url}x")).status_code == 401
        counted = await told(http)
        assert counted['civitai_archive_events_total{scope="workflow",status="processing"}'] == 40
        assert counted["civitai_archive_duplicate_events_total"] == 10
        assert counted["civitai_archive_quarantined_total"] == 1
        assert counted['civitai_archive_refused_total{reason="token"}'] == 1
        assert counted["civitai_archive_acknowledgement_seconds_count"] == 41
        assert counted["civitai_archive_batch_deliveries_sum"] == 41

        async def both_run() -> bool:
            return receiver.said().count("Application startup complete") == 2

        await working.eventually(both_run)
        receiver.send(signal.SIGTERM)
        assert await receiver.ends() == 0


async def test_without_a_port_for_metrics_callbacks_come_all_the_same(
    environment_of_it: dict[str, str], free_port: int, taken_port: int
) -> None:
    environment = environment_of_it | {"RECEIVER_METRICS": f"127.0.0.1:{taken_port}"}
    async with commands.started("receiver", environment=environment) as receiver, httpx.AsyncClient(timeout=60) as http:
        await receiver.says("Application startup complete")
        assert (await http.get(f"http://127.0.0.1:{free_port}/ready")).is_success
        assert "RECEIVER_METRICS cannot be listened on" in receiver.said()


async def test_a_home_that_cannot_hold_the_spool_is_one_sentence(environment_of_it: dict[str, str]) -> None:
    environment = environment_of_it | {"ARCHIVE_HOME": "/proc/nowhere"}
    done = await commands.run("receiver", environment=environment)
    done.assert_failed(1, "/proc/nowhere cannot hold the spool .* set ARCHIVE_HOME")


async def test_what_was_accepted_is_answered_before_it_ends(
    environment_of_it: dict[str, str], free_port: int, engine: AsyncEngine
) -> None:
    url = f"http://127.0.0.1:{free_port}/callbacks?token={SECRET}"
    event = {"$type": "workflow", "workflowId": "w-1", "status": "processing"}
    async with (
        commands.started("receiver", environment=environment_of_it) as receiver,
        httpx.AsyncClient(timeout=60) as http,
    ):
        await receiver.says("Application startup complete")
        async with engine.connect() as connection:
            await connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            answering = asyncio.create_task(http.post(url, json=event, timeout=15))
            await asyncio.sleep(0.5)
            receiver.send(signal.SIGTERM)
            await receiver.says("Shutting down")
            with pytest.raises(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{free_port}/health")
            await connection.rollback()
        assert (await answering).status_code == 202
        assert await receiver.ends() == 0
    assert "w-1" in receiver.said()
