"""Everything on one machine, in the order in which it starts and, backwards, stops."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import structlog

from archive import queue, settings
from cli import failures, listening, processes
from embedded.errors import EmbeddedError
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade

T = TypeVar("T")

READY_SECONDS = 30.0
WATCH_SECONDS = 1.0
PRIVATE = "127.0.0.1"

log = structlog.get_logger()


@asynccontextmanager
async def running(
    config: settings.Settings,
    environment: Mapping[str, str],
    *,
    host: str,
    port: int,
    gateway_port: int | None = None,
    log_directory: Path | None = None,
) -> AsyncIterator[Addresses]:
    """PostgreSQL and Valkey unless their URLs are set, the schema, the receiver and a worker, until the block ends.

    With a `gateway_port` also the gateway, for this machine alone. Whatever ends in between is started again. The
    processes get `environment`, with the URLs of what was started, and write their logs into `log_directory`, or where
    ours go. Raises what `failures.explain` explains.
    """
    # A taken port is said before anything is started.
    listening.listen(host, port).close()
    commands = {"worker": ["worker"], "receiver": ["receiver", "--host", host, "--port", str(port)]}
    doors = {"receiver": _door(host, port)}
    if gateway_port is not None:
        listening.listen(PRIVATE, gateway_port, variable="GATEWAY_PORT").close()
        listening.listen(PRIVATE, config.gateway.mcp_port, variable="MCP_PORT").close()
        commands["gateway"] = ["gateway", "--host", PRIVATE, "--port", str(gateway_port)]
        doors["gateway"] = _door(PRIVATE, gateway_port)
    async with AsyncExitStack() as stack:
        addresses = await _servers(stack, config)
        await _in_thread(functools.partial(upgrade, addresses.database_url))
        async with queue.client(addresses.redis_url) as redis:
            await redis.ping()
        ours = {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
        # A URL that came from a file is handed on as it is; both together would be a contradiction.
        inherited = {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in ours}
        started = []
        for name, command in commands.items():
            log_file = log_directory / f"{name}.log" if log_directory else None
            process = processes.Process(command, inherited | ours, log_file=log_file)
            await process.start()
            stack.push_async_callback(process.stop)
            started.append(process)
        for name, url in doors.items():
            await _until_ready(started, name, url)
        for process in started:
            stack.push_async_callback(_cancel, asyncio.create_task(process.keep_running()))
        yield addresses


async def _servers(stack: AsyncExitStack, config: settings.Settings) -> Addresses:
    if config.database_url and config.redis_url:
        return Addresses(config.database_url.reveal(), config.redis_url.reveal())
    supervisor = Supervisor(config.home)
    stack.push_async_callback(asyncio.to_thread, supervisor.stop)
    embedded = await _in_thread(supervisor.start)
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
            if server.running:
                continue
            log.warning("a server ended and is started again", server=server.name)
            try:
                await _in_thread(server.start)
            except (EmbeddedError, OSError) as error:
                log.error("a server could not be started; it is tried again", server=server.name, error=str(error))


def _door(host: str, port: int) -> str:
    """The address of a service on this machine, whatever it listens on."""
    host = f"[{host}]" if ":" in host else host.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - to look, not to listen
    return f"http://{host}:{port}"


async def _until_ready(started: Sequence[processes.Process], name: str, url: str) -> None:
    """Wait until a service says that it is ready. Raises CommandFailed, or Ended if a process has."""
    deadline = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline:
            for process in started:
                if process.exit_code is not None:
                    raise processes.Ended(process.name, process.exit_code, process.log_file)
            try:
                if (await http.get(f"{url}/ready")).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
    raise failures.CommandFailed(f"the {name} was not ready within {READY_SECONDS:.0f} seconds: its log says why.")


async def _in_thread(function: Callable[[], T]) -> T:
    """Like asyncio.to_thread, but even when cancelled it waits for the function: what that starts must be stopped."""
    running = asyncio.create_task(asyncio.to_thread(function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
