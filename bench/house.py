"""An archive on loopback in a directory of its own: PostgreSQL and Valkey from wheels, a receiver, workers."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, database, keys, queue, settings, workflows
from bench import processes
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade
from orchestration.wire import JsonObject

READY_SECONDS = 60.0

_MAKE_DUE = """
INSERT INTO workflows (id, origin, heard_at, due_at, deadline_at)
SELECT id, 'reconcile', now(), now(), now() + CAST(:retention AS interval)
FROM unnest(CAST(:ids AS text[])) AS known (id)
ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True)
class House:
    """One archive, and what is needed to run its processes and to look into it."""

    home: Path
    supervisor: Supervisor
    addresses: Addresses
    engine: AsyncEngine
    config: settings.Settings
    environment: dict[str, str]

    @property
    def storage(self) -> Path:
        """The directory in which everything is kept."""
        return self.home / "storage"

    @property
    def callback(self) -> JsonObject:
        """The entry that registers our receiver with a workflow, for every event, detailed."""
        url = access.callback_url(self.config.required_public_url(), self.config.required_callback_secrets()[0])
        return access.callbacks_entry(url)

    @asynccontextmanager
    async def receiver(self) -> AsyncIterator[processes.Process]:
        """A receiver that answers, for the length of the block."""
        public_url = self.config.required_public_url()
        port = public_url.rpartition(":")[2]
        async with self._running("receiver", "receiver", "--port", port) as process:
            await until_answers(f"{public_url}/ready")
            yield process

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[tuple[str, processes.Process]]:
        """A gateway that answers, for the length of the block; its address too."""
        port = free_port()
        async with self._running("gateway", "gateway", "--port", str(port), "--mcp-port", str(free_port())) as process:
            await until_answers(f"http://127.0.0.1:{port}/ready")
            yield f"http://127.0.0.1:{port}", process

    async def make_key(self, name: str) -> str:
        """A key of the gateway's that may do everything, as often as it likes."""
        async with self.engine.begin() as connection:
            return await keys.create(connection, name, keys.SCOPES, calls_per_minute=1_000_000)

    async def make_due(self, workflow_ids: Sequence[str]) -> int:
        """Make due what is not known yet, as a listing of Civitai's would; how many were new."""
        parameters = {"ids": list(workflow_ids), "retention": workflows.RETENTION}
        async with self.engine.begin() as connection:
            return (await connection.execute(text(_MAKE_DUE), parameters)).rowcount

    async def ring(self, workflow_ids: Iterable[str]) -> None:
        """Ring for workflows, as the receiver does when it has heard of them."""
        async with queue.client(self.addresses.redis_url) as redis:
            await queue.ring(redis, workflow_ids)

    def worker(self, name: str = "worker") -> AbstractAsyncContextManager[processes.Process]:
        """A worker, for the length of the block; its log is named so."""
        return self._running(name, "worker")

    def _running(self, name: str, *command: str) -> AbstractAsyncContextManager[processes.Process]:
        return processes.running(command, self.environment, self.home / "logs" / f"{name}.log")


@asynccontextmanager
async def standing(home: Path, *, api_url: str, token: str, **variables: str) -> AsyncIterator[House]:
    """A house at this API, with its two servers up and its tables made; further variables of its environment."""
    supervisor = Supervisor(home)
    addresses = await asyncio.to_thread(supervisor.start)
    try:
        await asyncio.to_thread(upgrade, addresses.database_url)
        ours = {
            "ARCHIVE_HOME": str(home),
            "BLOB_ALLOW_PRIVATE": "true",
            "CALLBACK_SECRETS": "bench:a-secret-for-benches-alone",
            "CIVITAI_API_TOKEN": token,
            "CIVITAI_API_URL": api_url,
            "DATABASE_URL": addresses.database_url,
            "PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
            "RECEIVER_METRICS": f"127.0.0.1:{free_port()}",
            "GATEWAY_METRICS": f"127.0.0.1:{free_port()}",
            "REDIS_URL": addresses.redis_url,
            "STORAGE_URL": (home / "storage").as_uri(),
            **variables,
        }
        engine = database.create_engine(addresses.database_url, application_name="civitai-archive bench")
        try:
            yield House(home, supervisor, addresses, engine, settings.read(ours), others() | ours)
        finally:
            await engine.dispose()
    finally:
        await asyncio.to_thread(supervisor.stop)


def others() -> dict[str, str]:
    """The caller's environment without what is set for an archive of one's own, which is none of ours."""
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in settings.EXAMPLES}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def until_answers(url: str) -> None:
    """Wait until a GET of the address succeeds. Raises TimeoutError."""
    deadline = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                if (await http.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} did not answer within {READY_SECONDS:.0f} s: its log says why")
