"""What every request passes before its call: the record of what was seen, and the question for the token."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import problems, state


class Record:
    """Writes every request of one origin into the state, so that a test can see what reached it."""

    def __init__(self, app: ASGIApp, memory: state.State, origin: str) -> None:
        self._app, self._state, self._origin = app, memory, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        if scope["type"] == "http":
            self._state.record(
                state.Request(
                    self._origin,
                    scope["method"],
                    scope["path"],
                    scope["query_string"].decode("latin-1"),
                    scope["headers"],
                )
            )
        await self._app(scope, receive, send)


class RequireToken:
    """Answers 401 to a request without `Authorization: Bearer <token>`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        given = Headers(scope=scope).get("Authorization", "").encode()
        if hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        refusal = problems.Problem(401, "The API token is missing or wrong.")
        await problems.response(refusal)(scope, receive, send)
