"""The receiver on one screen: what it answers, what it starts and stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from archive import access, database, entry_points, logs, settings
from receiver import bell, callbacks, callers, health, intake, refusals, replay, spool
from receiver.state import State

STOP_SECONDS = 3.0
"""What each part of us may take to stop."""

CALLBACKS = callbacks.Callbacks()
ROUTES = [
    Route(callbacks.PATH, CALLBACKS, methods=["POST"]),
    Route("/health", health.health),
    Route("/ready", health.ready),
]


class Receiver(Starlette):
    """What brings a callback in the common way goes to its endpoint at once: routing and middleware have nothing to add
    to it, and take a tenth of the time that a callback costs.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["path"] == callbacks.PATH and scope["method"] == "POST":
            await CALLBACKS(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(config: settings.Settings) -> Starlette:
    """The application for these settings. Raises SettingsError when they lack what a receiver needs."""
    allowed = access.Access(config.required_callback_secrets())
    database_url, redis_url = config.required_database_url(), config.required_redis_url()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        logs.silence_access_log()
        engine = database.create_engine(database_url, application_name="civitai-archive receiver")
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_dispose, engine)
            spooled = spool.Spool(config.home / "spool", bytes_at_most=config.spool_bytes)
            stack.callback(spooled.close)
            rung = await stack.enter_async_context(bell.hung(redis_url))
            replaying = asyncio.create_task(replay.Replay(engine, spooled, rung).run())
            stack.push_async_callback(_cancel, replaying)
            taken = await stack.enter_async_context(intake.open_intake(engine, spooled, rung))
            yield {
                "access": allowed,
                "callers": callers.Callers(allowed),
                "engine": engine,
                "intake": taken,
                "large_bodies": asyncio.Semaphore(callbacks.LARGE_BODIES),
                "refusals": refusals.Refusals(),
                "spool": spooled,
                "trusted_proxies": config.trusted_proxies,
            }

    app = Receiver(routes=ROUTES, lifespan=lifespan)
    app.router.redirect_slashes = False  # a redirect would repeat the query, secret and all
    return app


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=STOP_SECONDS)


async def _dispose(engine: AsyncEngine) -> None:
    # A PostgreSQL that hangs does not say goodbye.
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await engine.dispose()


__getattr__ = entry_points.on_demand("app", create_app)
"""`receiver.app:app`, for uvicorn."""
