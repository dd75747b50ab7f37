"""The two sides that can answer, as clients and answers name them."""

from typing import Any, Literal

from starlette.requests import Request

from gateway import problems

Source = Literal["live", "archive"]

HEADER = "X-Archive-Source"
LIVE: Source = "live"
ARCHIVE: Source = "archive"


def wish(request: Request[Any]) -> Source | None:
    """The side that the client wants. Raises Problem for one that there is not."""
    match request.headers.get(HEADER, "").strip().lower():
        case "live":
            return LIVE
        case "archive":
            return ARCHIVE
        case "":
            return None
    raise problems.invalid(HEADER, f"{HEADER} is neither {LIVE} nor {ARCHIVE}.")
