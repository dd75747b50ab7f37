"""Where the API's faults are applied: around a call, before or instead of its answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox import answers, content, faults, problems, sending, state

Endpoint = Callable[[Request], Awaitable[Response]]
About = Literal["workflow", "blob", None]
_NO_FAULTS: faults.Faults = {}


class ApiFaults:
    """Wraps calls; what they are about decides whose faults apply. `refuse_token` has every call answer 401."""

    def __init__(self, memory: state.State, chance: faults.Chance) -> None:
        self._state, self._chance = memory, chance
        self._refused_until = 0.0

    def refuse_token(self, seconds: float) -> None:
        """Take nobody's token for so long."""
        self._refused_until = time.monotonic() + seconds

    def around(self, endpoint: Endpoint, about: About = None) -> Endpoint:
        """The same call, in a world where things go wrong."""

        async def guarded(request: Request) -> Response:
            if time.monotonic() < self._refused_until:
                raise problems.Problem(401, "The API token is not valid.")
            strike = self._chance.strike(*self._asked(request, about))
            return await endpoint(request) if strike is None else await _answer(endpoint, request, strike)

        return guarded

    def _asked(self, request: Request, about: About) -> tuple[tuple[str, ...], str, faults.Faults]:
        """Which faults may strike the call, whom it is about, and the faults that are the subject's own.

        The subject's stand first: what is to be missing for ever must not be seen because the API is slow to say so.
        """
        if about == "workflow" and (workflow := self._state.workflows.get(request.path_params["workflow_id"])):
            return faults.WORKFLOW + faults.API, f"workflow {workflow.number}", workflow.scenario.own_faults
        if about == "blob" and (blob := self._state.blobs.get(request.path_params["blob_id"])):
            return faults.BLOB + faults.API, f"blob {blob.id}", blob.scenario.own_faults
        return faults.API, f"{request.method} {request.url.path}", _NO_FAULTS


async def _answer(endpoint: Endpoint, request: Request, strike: faults.Strike) -> Response:
    match strike.name:
        case "api_429":
            refusal = problems.response(problems.Problem(429, "Too many requests."))
            refusal.headers["Retry-After"] = f"{strike.seconds:.0f}"
            return refusal
        case "api_402" | "api_409" | "api_422":
            raise problems.Problem(int(strike.name[-3:]), "The sandbox was asked to refuse this.")
        case "api_500":
            return _error(strike)
        case "workflow_404" | "blob_404":
            raise problems.Problem(404, "There is no such thing.")
        case "workflow_403" | "blob_403":
            raise problems.Problem(403, "This is not yours.")
        case "api_hang":
            await asyncio.sleep(strike.seconds)
            return await endpoint(request)
    answer = await endpoint(request)
    document = content.Content(answer.media_type or "application/json", bytes(answer.body))
    headers = {name: value for name, value in answer.headers.items() if name == "location"}
    if not document.size:
        return answer
    return sending.Body(document, 0, document.size, answer.status_code, headers, flaw=strike)


def _error(strike: faults.Strike) -> Response:
    """A failure of the API itself (a problem, or its bare title), or of the proxy before it (a page)."""
    match strike.dice.choice((500, 502, 503, 504)):
        case 500:
            return problems.response(problems.Problem(500, "Something went wrong."))
        case 503:
            return answers.Json("Service Unavailable", 503)
        case status:
            return HTMLResponse(f"<html><title>{status}</title><p>Bad gateway.</p></html>\n", status)
