"""One operation of the API: what the router, the guard at its door and the OpenAPI document have to know of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from archive import keys
from gateway.parameters import Parameter
from gateway.schemas import Schema
from gateway.state import State

Endpoint = Callable[[Request[State]], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """What is done at one path with one method.

    scope: what a key must have; None: none is needed. is_signed: what lets a request pass without one.
    answers: status → media type → schema, of success; problems are the same everywhere.
    has_sides: whether X-Archive-Source may choose who answers.
    """

    method: str
    path: str
    name: str
    endpoint: Endpoint
    summary: str
    scope: keys.Scope | None = "read"
    parameters: tuple[Parameter[Any], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Schema] = field(default_factory=dict)
    answers: Mapping[int, Mapping[str, Schema]] = field(default_factory=dict)
    is_signed: Callable[[Request[State]], bool] = lambda _: False
    has_sides: bool = False
