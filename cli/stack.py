"""Everything on one machine, in the order in which it starts and, backwards, stops."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from archive import settings
from cli import processes
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade

READY_SECONDS = 30.0
WATCH_SECONDS = 1.0


@asynccontextmanager
async def running(
    config: settings.Settings,
    environment: Mapping[str, str],
    *,
    host: str,
    port: int,
    log_directory: Path | None = None,
) -> AsyncIterator[Addresses]:
    """PostgreSQL and Valkey unless their URLs are set, the schema, the receiver and a worker, until the block ends.

    Whatever ends in between is started again. The processes get `environment`, with the URLs of what was started, and
    write their logs into `log_directory`, or where ours go.
    """
    async with AsyncExitStack() as stack:
        addresses = await _servers(stack, config)
        await asyncio.to_thread(upgrade, addresses.database_url)
        ours = {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
        # A URL that came from a file is handed on as it is; both together would be a contradiction.
        inherited = {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in ours}
        for command in (["worker"], ["receiver", "--host", host, "--port", str(port)]):
            log_file = log_directory / f"{command[0]}.log" if log_directory else None
            process = processes.Process(command, inherited | ours, log_file=log_file)
            await process.start()
            stack.push_async_callback(process.stop)
            if process.name == "receiver":
                await _until_ready(process, host, port)
            stack.push_async_callback(_cancel, asyncio.create_task(process.keep_running()))
        yield addresses


async def _servers(stack: AsyncExitStack, config: settings.Settings) -> Addresses:
    if config.database_url and config.redis_url:
        return Addresses(config.database_url.reveal(), config.redis_url.reveal())
    supervisor = Supervisor(config.home)
    embedded = await asyncio.to_thread(supervisor.start)
    stack.push_async_callback(asyncio.to_thread, supervisor.stop)
    stack.push_async_callback(_cancel, asyncio.create_task(_keep_serving(supervisor)))
    return Addresses(
        config.database_url.reveal() if config.database_url else embedded.database_url,
        config.redis_url.reveal() if config.redis_url else embedded.redis_url,
    )


async def _keep_serving(supervisor: Supervisor) -> None:
    """Start an embedded server again that ended, killed for its memory perhaps."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        for server in (supervisor.postgres, supervisor.valkey):
            if not server.running:
                await asyncio.to_thread(server.start)


async def _until_ready(receiver: processes.Process, host: str, port: int) -> None:
    address = f"[{host}]" if ":" in host else host.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - to look, not to listen
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(READY_SECONDS):
        while True:
            if receiver.exit_code is not None:
                raise processes.Ended(receiver.name, receiver.exit_code, receiver.log_file)
            try:
                if (await http.get(f"http://{address}:{port}/ready")).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
