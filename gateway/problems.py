"""What went wrong, as Civitai says it: RFC 7807's problem documents."""

from collections.abc import Mapping
from http.client import responses as phrases

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer other than success; `errors` maps a field to what is wrong with it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers


def invalid(field: str, sentence: str) -> Problem:
    """A 400 about one field of the request."""
    return Problem(400, sentence, errors={field: [sentence]})


def response(problem: Problem) -> Response:
    """The answer to send."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": phrases.get(problem.status, "Unknown Status"),  # proxies have some of their own
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors is not None:
        document["errors"] = problem.errors
    return JSONResponse(document, problem.status, problem.headers, MEDIA_TYPE)


async def on_refusal(_: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such path, no such method there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return response(Problem(error.status_code, error.detail, headers=error.headers))
