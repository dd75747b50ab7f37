"""The OpenAPI document, made of the table of operations: what it says of a route is what the route is."""

import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway import problems, sources
from gateway.operations import Operation
from gateway.parameters import Parameter
from gateway.schemas import SCHEMAS, Schema, reference
from gateway.state import State

_IN_PATH = re.compile(r"\{(\w+)\}")
_SOURCE = {"type": "string", "enum": [sources.LIVE, sources.ARCHIVE]}
_REFUSED: Schema = {"description": "A problem.", "content": {problems.MEDIA_TYPE: {"schema": reference("Problem")}}}


async def get(request: Request[State]) -> Response:
    """The document of this gateway."""
    return JSONResponse(request.app.state.openapi)


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 for these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "civitai-archive gateway",
            "description": "Civitai's orchestration API, answered by the archive once Civitai has forgotten.",
            "version": metadata.version("civitai-archive"),
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of this gateway, from `civitai-archive key create`; not Civitai's token.",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {str(status): _answer(status, content) for status, content in operation.answers.items()}
        | {"4XX": _REFUSED, "5XX": _REFUSED},
    }
    if operation.body:
        content = {media_type: {"schema": schema} for media_type, schema in operation.body.items()}
        told["requestBody"] = {"required": True, "content": content}
    if operation.scope is not None:
        told["security"] = [{"key": []}]
        told["description"] = f"Needs a key that may {operation.scope}."
    return told


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in _IN_PATH.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    for parameter in operation.parameters:
        yield _query(parameter)
    for name, description in operation.headers.items():
        yield {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
    if operation.has_sides:
        said = {"description": "Who shall answer; who did, in the answer.", "schema": _SOURCE}
        yield {"name": sources.HEADER, "in": "header", **said}


def _query(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _answer(status: int, content: dict[str, Schema] | Any) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _MEANINGS[status]}
    if content:
        told["content"] = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return told


_MEANINGS = {
    200: "It is done.",
    202: "It has not ended yet.",
    204: "It is done, and there is nothing to show.",
    206: "The part that was asked for.",
    302: "It is elsewhere, for now.",
    304: "You have it already.",
    307: "It is elsewhere, for now.",
    308: "It is elsewhere.",
}
