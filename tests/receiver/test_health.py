"""GET /health and /ready: alive, and able to store."""

import asyncio
import dataclasses
from pathlib import Path

import httpx

from archive import settings
from embedded.supervisor import Supervisor
from migrations.upgrade import upgrade
from tests import serving
from tests.conftest import SECRET


async def test_a_receiver_in_order_is_healthy_and_ready(receiver: str) -> None:
    async with httpx.AsyncClient(base_url=receiver, timeout=60) as http:
        for path, status in (("/health", "ok"), ("/ready", "ready")):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": status})
            assert (await http.head(path)).status_code == 200


async def test_ready_says_what_is_missing_and_health_does_not_mind(config: settings.Settings, tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "own", durable=False)
    with supervisor as addresses:
        own = dataclasses.replace(config, database_url=settings.Secret(addresses.database_url))
        async with serving.receiver(own) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:

            async def answer() -> tuple[int, str]:
                assert (await http.get("/health")).status_code == 200
                ready = await http.get("/ready")
                return ready.status_code, ready.json().get("reason", "")

            status, reason = await answer()
            assert status == 503
            assert "civitai-archive migrate" in reason
            await asyncio.to_thread(upgrade, addresses.database_url)
            assert await answer() == (200, "")
            await asyncio.to_thread(supervisor.postgres.stop)
            assert await answer() == (200, "the database does not answer: events go to the spool")
            await asyncio.to_thread(supervisor.postgres.start)
            assert await answer() == (200, "")


async def test_it_is_not_ready_while_the_database_is_away_and_the_spool_is_nearly_full(
    config: settings.Settings, tmp_path: Path
) -> None:
    away = settings.Secret("postgresql://archive@127.0.0.1:1/archive")
    own = dataclasses.replace(config, database_url=away, home=tmp_path, spool_bytes=100)
    event = {"workflowId": "wf", "status": "succeeded"}
    async with serving.receiver(own) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        assert (await http.get("/ready")).status_code == 200
        assert (await http.post(f"/callbacks?token={SECRET}", json=event)).status_code == 202
        answer = await http.get("/ready")
        assert (answer.status_code, "spool is nearly full" in answer.json()["reason"]) == (503, True)
        assert (await http.post(f"/callbacks?token={SECRET}", json=event)).status_code == 503
        assert (await http.get("/health")).status_code == 200
