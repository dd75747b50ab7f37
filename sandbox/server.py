"""The stand-in orchestrator on two loopback ports of this process."""

import asyncio
import contextlib
import secrets
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from sandbox import (
    app,
    blobs,
    callbacks,
    connection,
    consumer,
    documents,
    events,
    faults,
    listings,
    manager,
    middleware,
    runs,
    serving,
    signing,
    state,
    storage_host,
)

HOST = "127.0.0.1"
DAY = 86_400.0  # seconds
_NO_FAULTS: Mapping[str, object] = {}


class SandboxError(Exception):
    """The stand-in cannot start; the message says why and what to do."""


class Sandbox:
    """An async context manager: serves while it is entered, on the running event loop.

    A port of 0 means any free one; `api_url` and `blob_url` are known once it is entered. `token` opens what consumers
    may ask, `manager_token` what managers may as well. `url_lifetime` is how long a signed URL is good, `retention` how
    long ended workflows and blobs are kept, `callback_retries` the waits before each further try of a callback (all in
    seconds). `faults` strike everything (`sandbox.faults` says how they are written). The same `seed` and calls give
    the same blobs and the same faults. Raises SandboxError.

    For assertions in the same event loop: `state`, `chance` (the faults that struck), and `callbacks_sent` in the
    order of completion.
    """

    def __init__(
        self,
        *,
        api_port: int = 0,
        blob_port: int = 0,
        token: str = "sandbox-token",  # noqa: S107 (opens nothing but this stand-in)
        manager_token: str = "sandbox-manager-token",  # noqa: S107
        url_lifetime: float = 300.0,
        retention: float = 30 * DAY,
        callback_retries: Sequence[float] = callbacks.RETRY_DELAYS,
        faults: Mapping[str, object] = _NO_FAULTS,
        seed: int = 0,
    ) -> None:
        self.token, self.manager_token = token, manager_token
        self.api_url = self.blob_url = ""
        self.chance = _chance(seed, faults)
        self.state = state.State(seed=seed, retention=retention)
        self._ports = (api_port, blob_port)
        self._url_lifetime = timedelta(seconds=url_lifetime)
        self._deliveries = callbacks.Deliveries(self.chance, callback_retries)
        self._running = contextlib.AsyncExitStack()

    @property
    def callbacks_sent(self) -> deque[callbacks.Delivery]:
        """Every callback that was delivered or given up."""
        return self._deliveries.sent

    async def __aenter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            listeners = [opened.enter_context(_listen(port)) for port in self._ports]
            opened.pop_all()  # from here on they are closed by the servers
        self.api_url, self.blob_url = (f"http://{HOST}:{each.getsockname()[1]}" for each in listeners)
        signer = signing.Signer(self.blob_url, self._url_lifetime, secrets.token_bytes(32))
        rendering = documents.Documents(signer, self.state.clock, self.api_url)
        playing = runs.Runs(self.state, events.Events(rendering, self._deliveries, self.state.clock))
        finding = listings.Listings(self.state, self.chance)
        origins = (
            app.api(
                self.state,
                middleware.Tokens(self.token, self.manager_token),
                self.chance,
                playing,
                consumer.Consumer(self.state, rendering, playing, finding),
                manager.Manager(self.state, rendering, finding),
                blobs.Blobs(self.state, rendering),
            ),
            app.blob_host(self.state, storage_host.StorageHost(self.state, rendering, signer, self.chance)),
        )
        # Left in the opposite order: the runs end and wake whoever waits for them, then the doors are closed.
        async with contextlib.AsyncExitStack() as running:
            for listener, origin in zip(listeners, origins, strict=True):
                await running.enter_async_context(serving.serving(listener, _config(origin)))
            await running.enter_async_context(self._deliveries)
            running.push_async_callback(playing.close)
            self._running = running.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()


async def serve(
    *,
    api_port: int,
    blob_port: int,
    token: str,
    manager_token: str,
    url_lifetime: float = 300.0,
    faults: Mapping[str, object] = _NO_FAULTS,
    seed: int = 0,
    on_ready: Callable[[Sandbox], None] = lambda _sandbox: None,
) -> None:
    """Run a stand-in until cancelled; `on_ready` is called once both ports answer. Raises SandboxError."""
    async with Sandbox(
        api_port=api_port,
        blob_port=blob_port,
        token=token,
        manager_token=manager_token,
        url_lifetime=url_lifetime,
        faults=faults,
        seed=seed,
    ) as sandbox:
        on_ready(sandbox)
        await asyncio.Event().wait()


def _config(origin: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        origin,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http=connection.Protocol,
        server_header=False,
        date_header=False,
    )


def _chance(seed: int, wishes: Mapping[str, object]) -> faults.Chance:
    try:
        return faults.Chance(seed, faults.parse(wishes))
    except ValueError as error:
        raise SandboxError(f"The sandbox cannot play these faults: {error}") from error


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every small answer waits for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise SandboxError(
            f"The sandbox cannot listen on port {port} of {HOST} ({reason}): choose another one, or 0 for any free one."
        ) from error
    return listener
