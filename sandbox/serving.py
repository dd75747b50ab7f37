"""Applications served by this process, on the running event loop, which signals and uvicorn's clock have no part in."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

CLOSING_SECONDS = 2.0  # for answers that are still under way at the end
_LOOK_SECONDS = 0.01


@contextlib.asynccontextmanager
async def serving(listener: socket.socket, config: uvicorn.Config) -> AsyncIterator[None]:
    """Serve an application on a listener, which is closed at the end. RuntimeError when it does not start.

    `uvicorn.Server.serve` looks ten times a second whether it should end, and then waits as long again.
    """
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    try:
        await server.startup([listener])
    except SystemExit:  # uvicorn is a program at heart
        listener.close()
        raise RuntimeError("the application did not start") from None
    try:
        yield
    finally:
        await _close(server)


async def _close(server: uvicorn.Server) -> None:
    for listening in server.servers:
        listening.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody when they are gone
                await asyncio.sleep(_LOOK_SECONDS)
    for task in state.tasks:
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await server.lifespan.shutdown()
