"""Errors as the orchestrator answers them: RFC 7807, `application/problem+json`."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers


class Problem(Exception):
    """An answer other than success; `errors` maps a field to what is wrong with it."""

    def __init__(self, status: int, detail: str, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


def invalid(where: str, sentence: str) -> Problem:
    """A 400 about one field of the request."""
    return Problem(400, sentence, {where: [sentence]})


def response(problem: Problem) -> Response:
    """The answer to send."""
    body: dict[str, object] = {
        "type": f"https://httpstatuses.io/{problem.status}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors is not None:
        body["errors"] = problem.errors
    return answers.Json(body, problem.status, media_type="application/problem+json")


async def on_problem(_request: Request, error: Exception) -> Response:
    """Starlette's handler for `Problem`, and for its own refusals (no such route, no such method)."""
    if isinstance(error, HTTPException):
        error = Problem(error.status_code, error.detail)
    if not isinstance(error, Problem):
        raise error
    return response(error)
