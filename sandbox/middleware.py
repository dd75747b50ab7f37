"""What every request passes before its call: the record of what was seen, and the question for the token."""

import hmac
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Tokens:
    """What opens the API: a consumer's token, and a manager's, which opens more."""

    consumer: str = field(repr=False)
    manager: str = field(repr=False)


class RequireToken:
    """Answers 401 to a request without `Authorization: Bearer <token>`, and `for_managers` 403 to a consumer's."""

    def __init__(self, app: ASGIApp, tokens: Tokens, for_managers: bool = False) -> None:
        self._app, self._tokens, self._for_managers = app, tokens, for_managers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 (ASGI)
        given = Headers(scope=scope).get("Authorization", "")
        is_manager, is_consumer = (_is(given, token) for token in (self._tokens.manager, self._tokens.consumer))
        if is_manager or (is_consumer and not self._for_managers):
            await self._app(scope, receive, send)
            return
        if is_consumer:
            refusal = problems.Problem(403, "Only a manager's token opens this.")
        else:
            refusal = problems.Problem(401, "The API token is missing or wrong.")
        await problems.response(refusal)(scope, receive, send)


def _is(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
