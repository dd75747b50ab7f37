"""The JSON that comes with a request. What JSON does not know (NaN, numbers beyond a float, endless depth) is refused
with a `Problem`, so that whatever was taken can be answered again.
"""

import json
import math
from typing import Any, NoReturn

from starlette.requests import Request

from sandbox import problems

DEEPEST = 64  # objects and lists within each other: as far as the real one's parser goes


async def read(request: Request) -> Any:
    """The document that the body is."""
    try:
        document = json.loads((await request.body()).decode("utf-8-sig"), parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise problems.Problem(400, "The body is not JSON.") from None
    if _is_deeper(document, DEEPEST):
        raise problems.Problem(400, f"The body is nested more than {DEEPEST} deep.")
    return document


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that the body is."""
    document = await read(request)
    if not isinstance(document, dict):
        raise problems.Problem(400, "The body must be a JSON object.")
    return document


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse(digits)
    return number


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"{what} is no number of JSON's.")


def _is_deeper(document: Any, levels: int) -> bool:
    match document:
        case dict():
            entries = list(document.values())
        case list():
            entries = document
        case _:
            return False
    return levels == 0 or any(_is_deeper(entry, levels - 1) for entry in entries)
