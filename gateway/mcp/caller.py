"""Whoever uses a tool: what his key lets him do, and the gateway's own REST calls made in his name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from archive import keys
from gateway import sources
from gateway.problems import Problem
from gateway.state import State
from orchestration import wire


@dataclass(frozen=True)
class Caller:
    """`headers` hold his key, as they came; `base_url` is the origin by which he can reach the REST side."""

    rest: ASGIApp
    state: State
    headers: Headers
    base_url: str

    async def admit(self, scope: keys.Scope) -> None:
        """Let him do this, or raise Problem. For what is not a REST call, which sees to it itself."""
        await self.state["keyring"].admit(self.headers, scope)

    async def may(self, scope: keys.Scope) -> bool:
        """Whether his key is for this. Raises Problem if it is no key of ours."""
        return scope in (await self.state["keyring"].identify(self.headers)).scopes

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        source: str | None = None,
    ) -> httpx.Response:
        """Make a REST call of the gateway without leaving the process, and give what it was answered with.

        `path` is escaped already. What is None in the query is left out. Raises Problem for any answer but success.
        """
        headers = {name: self.headers[name] for name in ("Authorization",) if name in self.headers}
        if source is not None:
            headers[sources.HEADER] = source
        parameters = {name: _told(value) for name, value in (query or {}).items() if value is not None}
        transport = httpx.ASGITransport(self._with_state)
        async with httpx.AsyncClient(transport=transport, base_url=self.base_url, trust_env=False) as http:
            try:
                answer = await http.request(method, path, params=parameters, json=body, headers=headers)
            except httpx.InvalidURL:
                raise Problem(414, "The arguments are longer than an address can be.") from None
        if answer.status_code >= 300:
            raise Problem(answer.status_code, _detail(answer))
        return answer

    async def _with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.rest({**scope, "state": dict(self.state)}, receive, send)


def _told(value: Any) -> Any:
    """A value as a query writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_told(item) for item in value] if isinstance(value, list) else str(value)


def _detail(answer: httpx.Response) -> str:
    """What a problem document says, with the fields that it names."""
    try:
        problem = wire.loads(answer.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return f"The gateway answered {answer.status_code}."
    said = str(problem.get("detail") or problem.get("title") or f"The gateway answered {answer.status_code}.")
    fields = problem.get("errors")
    named = fields.items() if isinstance(fields, dict) else ()
    return " ".join([said, *(f"{name}: {', '.join(map(str, told))}" for name, told in named if told != [said])])
