"""The door of every operation: who may pass, what went wrong, and a line in the log without anybody's secret."""

import time

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from archive import database, keys
from archive.storage_errors import StorageUnavailable
from gateway import metrics, problems, sources
from gateway.operations import Endpoint, Operation
from gateway.problems import Problem
from gateway.state import State
from orchestration import errors

RETRY = {"Retry-After": "5"}

log = structlog.get_logger()


def guarded(operation: Operation) -> Endpoint:
    """The operation's endpoint behind the door."""

    async def pass_through(request: Request[State]) -> Response:
        began = time.perf_counter()
        key: keys.Key | None = None
        try:
            if operation.scope is not None and not operation.is_signed(request):
                key = await request.state["keyring"].admit(request.headers, operation.scope)
            for parameter in operation.parameters:
                parameter.all_of(request)
            response = await operation.endpoint(request)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            response = problems.response(problem)
        _note(operation, key, response, time.perf_counter() - began)
        return response

    return pass_through


def problem_of(error: Exception) -> Problem | None:
    """What to say of an error; None if it is a fault of ours."""
    match error:
        case Problem():
            return error
        case errors.Unreachable():
            log.warning("Civitai does not answer", error=str(error))
            return Problem(502, "Civitai does not answer, and the archive does not have it.", headers=RETRY)
        case StorageUnavailable():
            log.error("storage is away", error=str(error))
            return Problem(503, "The archive's storage does not answer.", headers=RETRY)
        case ClientDisconnect():
            return Problem(400, "The body broke off before its end.", headers={"Connection": "close"})
    if database.is_unavailable(error):
        log.error("the database is away", error=repr(error))
        return Problem(503, "The archive's database does not answer.", headers=RETRY)
    return None


def _note(operation: Operation, key: keys.Key | None, response: Response, seconds: float) -> None:
    source = response.headers.get(sources.HEADER, "none")
    metrics.REQUESTS.labels(operation.name, source, str(response.status_code)).inc()
    metrics.SECONDS.labels(operation.name, source).observe(seconds)
    # No path, no query: they hold what is nobody's business, and signatures.
    log.info(
        "answered",
        operation=operation.name,
        status=response.status_code,
        source=source,
        key=key.name if key else None,
        seconds=round(seconds, 4),
    )
