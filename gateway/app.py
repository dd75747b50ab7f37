"""The gateway on one screen: what it answers, what it starts and stops."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from archive import access, database, entry_points, logs, settings
from archive.storage import opening
from gateway import door, keyring, openapi, problems, routes, showing, signing
from gateway.mcp import http as mcp_http
from gateway.operations import Endpoint, Operation
from gateway.state import State
from orchestration import client, connection

DATABASE_SECONDS = 15.0
"""For one statement: whoever asks shall hear that the database does not answer, and not wait for it without end."""


def create_app(config: settings.Settings) -> Starlette:
    """The application for these settings. Raises SettingsError when they lack what a gateway needs."""
    token, database_url = config.required_api_token().reveal(), config.required_database_url()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        logs.silence_access_log()
        async with AsyncExitStack() as stack:
            engine = database.create_engine(
                database_url, application_name="civitai-archive gateway", answer_seconds=DATABASE_SECONDS
            )
            stack.push_async_callback(engine.dispose)
            civitai = connection.Connection(config.api_url, token, timeout=client.TIMEOUT)
            stack.push_async_callback(civitai.aclose)
            single = engine.execution_options(isolation_level="AUTOCOMMIT")
            answering = await stack.enter_async_context(mcp_http.serving(app))
            yield {
                "access": access.Access(config.callback_secrets),
                "civitai": civitai,
                "config": config,
                "engine": single,
                "kept": showing.together(single),
                "keyring": keyring.Keyring(single),
                "mcp": answering,
                "signer": signing.open_signer(config),
                "storage": opening.open_storage(config),
            }

    app = Starlette(
        routes=[
            *(_route(path) for path in dict.fromkeys(operation.path for operation in routes.OPERATIONS)),
            Route(mcp_http.PATH, mcp_http.Endpoint()),
        ],
        lifespan=lifespan,
        middleware=[Middleware(_EscapedPaths)],
        exception_handlers={HTTPException: problems.on_refusal},
    )
    app.router.redirect_slashes = False  # a redirect would repeat the query, signature and all
    app.state.openapi = openapi.document(routes.OPERATIONS)
    return app


def _route(path: str) -> Route:
    """One path with all its methods."""
    operations: Sequence[Operation] = [operation for operation in routes.OPERATIONS if operation.path == path]
    endpoints: dict[str, Endpoint] = {operation.method: door.guarded(operation) for operation in operations}

    async def dispatch(request: Request[State]) -> Response:
        # HEAD is GET without its body, unless the table knows better.
        return await endpoints[request.method if request.method in endpoints else "GET"](request)

    return Route(path, dispatch, methods=list(endpoints))


class _EscapedPaths:
    """Routes are found in the path as it was sent: an escaped slash belongs to an id, and does not end it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "raw_path" in scope:
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


__getattr__ = entry_points.on_demand("app", create_app)
"""`gateway.app:app`, for uvicorn."""
