"""Ids that clients name: whatever is in one, it stays one segment of a path."""

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from gateway.problems import Problem
from orchestration import connection, errors, wire

_NO_ID = "There is no such thing: this is no id."


def of(request: Request[Any], name: str) -> str:
    """An id from the path, unescaped. Raises Problem for what no id can be."""
    try:
        value = unquote(request.path_params[name], errors="strict")
    except UnicodeDecodeError:
        value = ""
    if not wire.is_identifier(value):
        raise Problem(404, _NO_ID)
    return value


def segment_of(request: Request[Any], name: str) -> str:
    """The same, escaped again for a path of Civitai's."""
    return segment(of(request, name))


def segment(identifier: str) -> str:
    """An id, escaped for a path. Raises Problem for what would be none there."""
    try:
        return connection.segment(identifier)
    except errors.Permanent:
        raise Problem(404, _NO_ID) from None
