"""The receiver on one screen: what it answers, what it starts and stops."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from archive import access, database, logs, settings
from receiver import bell, callbacks, health
from receiver.state import State

ROUTES = [
    Route("/callbacks", callbacks.receive, methods=["POST"]),
    Route("/health", health.health),
    Route("/ready", health.ready),
]


def create_app(config: settings.Settings) -> Starlette:
    """The application for these settings. Raises SettingsError when they lack what a receiver needs."""
    allowed = access.Access(config.required_callback_secrets())
    database_url, redis_url = config.required_database_url(), config.required_redis_url()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        logs.silence_access_log()
        engine = database.create_engine(database_url, application_name="civitai-archive receiver")
        async with bell.hung(redis_url) as hung:
            yield {"access": allowed, "engine": engine, "bell": hung}
        await engine.dispose()

    app = Starlette(routes=ROUTES, lifespan=lifespan)
    app.router.redirect_slashes = False  # a redirect would repeat the query, secret and all
    return app


def __getattr__(name: str) -> Starlette:
    """`receiver.app:app`, for uvicorn: made when it is asked for, from the environment as it is then."""
    if name != "app":
        raise AttributeError(name)
    logs.configure()
    try:
        return create_app(settings.read(os.environ))
    except settings.SettingsError as error:
        raise SystemExit(str(error)) from None
