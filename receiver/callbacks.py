"""POST /callbacks: authenticate, read, store, answer. What happens with an event afterwards happens elsewhere."""

import json

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from archive import access, database, events
from archive.events import Parameters
from orchestration.events import Unreadable, parse
from receiver.state import State

BODY_BYTES_AT_MOST = 16 << 20

log = structlog.get_logger()


class TooLarge(Exception):
    """The body is larger than a callback's can be."""


async def receive(request: Request[State]) -> Response:
    """Answer 202 once the event is committed, and only then.

    401: the token is missing or wrong. 413: too large. 503: the database is away; the sender tries again.
    A body that is no event is answered 202 too, since sending it again could not help: it is in quarantine.
    """
    source = request.state["access"].source_of(request.query_params.get(access.TOKEN_PARAMETER, ""))
    if source is None:
        log.warning("refused a callback: its token is missing or wrong")
        return JSONResponse({"error": "the token in the callback URL is missing or wrong"}, 401)
    try:
        body = request.state["access"].strike(await _body(request))
        return await _store(request, source, _parameters(request), body)
    except TooLarge:
        log.warning("refused a callback: it is too large", source=source)
        return JSONResponse({"error": f"a callback has at most {BODY_BYTES_AT_MOST} bytes"}, 413)
    except ClientDisconnect:
        log.warning("a callback broke off before its end", source=source)
        return Response(status_code=400)
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        log.error("a callback could not be stored; its sender will try again", source=source, error=repr(error))
        return JSONResponse({"error": "try again"}, 503, headers={"Retry-After": "1"})


async def _store(request: Request[State], source: str, parameters: Parameters, body: bytes) -> Response:
    try:
        event = parse(body)
        delivery = events.Delivery(event, source, parameters, body)
        async with request.state["engine"].begin() as connection:
            due = await events.record(connection, [delivery])
    except Unreadable as unreadable:
        return await _set_aside(request, source, parameters, body, unreadable.reason)
    except RecursionError:  # what Python can just read, it may not be able to write as jsonb
        return await _set_aside(request, source, parameters, body, "it is nested too deeply")
    request.state["bell"].ring(due)
    log.info("stored an event", workflow=event.workflow_id, scope=event.scope, status=event.status, source=source)
    return JSONResponse({"status": "accepted"}, 202)


async def _set_aside(
    request: Request[State], source: str, parameters: Parameters, body: bytes, reason: str
) -> Response:
    async with request.state["engine"].begin() as connection:
        await events.set_aside(connection, source=source, parameters=parameters, body=body, reason=reason)
    log.warning("put a callback into quarantine", source=source, reason=reason)
    return JSONResponse({"status": "quarantined"}, 202)


async def _body(request: Request[State]) -> bytes:
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > BODY_BYTES_AT_MOST:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_AT_MOST:
            raise TooLarge
    return bytes(body)


def _parameters(request: Request[State]) -> Parameters:
    """The callback URL's query without the secret, whatever its owner put there for correlation."""
    parameters: Parameters = {}
    for name, value in request.query_params.multi_items():
        if name != access.TOKEN_PARAMETER:
            parameters.setdefault(name, []).append(value)
    return dict(json.loads(request.state["access"].strike(json.dumps(parameters).encode())))
