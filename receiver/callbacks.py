"""POST /callbacks: authenticate, read, keep, answer. What happens with an event afterwards happens elsewhere."""

import asyncio
import time

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from archive import events, quarantine
from archive.access import Access
from receiver import deliveries, metrics, refusals
from receiver.callers import Caller
from receiver.deliveries import Delivery
from receiver.intake import Busy
from receiver.state import State

PATH = "/callbacks"

BODY_BYTES_AT_MOST = 16 << 20
BODY_SECONDS = 15.0
"""A body that takes longer from its first bytes to its last comes from nobody who has something to tell."""

LARGE_BODY_BYTES = 128 << 10
LARGE_BODIES = 8
"""So many are read at once, so that not every connection can fill its share of our memory; the others wait."""

RETRY_SECONDS = 1
CLOSE = {"Connection": "close"}
"""For answers given before the body has come: what is still on its way is not read."""

ACCEPTED = JSONResponse({"status": "accepted"}, 202)
QUARANTINED = JSONResponse({"status": "quarantined"}, 202)

log = structlog.get_logger()


class TooLarge(Exception):
    """The body is larger than a callback's can be."""


class Callbacks:
    """The endpoint, without Starlette's wrapping of functions: a tenth of what a request costs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        response = await _answer(scope, receive)
        await response(scope, receive, send)


async def _answer(scope: Scope, receive: Receive) -> Response:
    """Answer 202 once the delivery is durable, and only then.

    202 too when it is no event: it is in quarantine, and sending it again could not help. 401: the token is missing or
    wrong; 429: it was wrong too often. 408: the body came too slowly. 413: it is too large. 503: it cannot be kept now.
    """
    began = time.perf_counter()
    state: State = scope["state"]
    caller = state["callers"].of(scope["query_string"])
    if caller is None:
        return await _refuse(Request(scope, receive))
    source = caller.source
    try:
        delivery = _delivery(state["access"], caller, await _body(scope, receive))
        await state["intake"].keep(delivery)
    except TooLarge:
        return _turn_away("too large", 413, f"a callback has at most {BODY_BYTES_AT_MOST} bytes", source)
    except TimeoutError:
        return _turn_away("too slow", 408, f"a callback's body has to come within {BODY_SECONDS:.0f} s", source)
    except ClientDisconnect:
        return _turn_away("broken off", 400, "the body broke off before its end", source)
    except Busy:
        return _turn_away("busy", 503, "try again", source, {"Retry-After": str(RETRY_SECONDS)})
    metrics.ACKNOWLEDGEMENT.observe(time.perf_counter() - began)
    return QUARANTINED if isinstance(delivery, quarantine.Unread) else ACCEPTED


async def _refuse(request: Request[State]) -> Response:
    address = refusals.client_address(
        request.client.host if request.client else None,
        request.headers.getlist("X-Forwarded-For"),
        request.state["trusted_proxies"],
    )
    if not await request.state["refusals"].slow_down(address):
        metrics.refused("slowed")
        headers = {"Retry-After": str(round(refusals.LONGEST_SECONDS)), **CLOSE}
        return JSONResponse({"error": "too many requests without the right token"}, 429, headers)
    metrics.refused("token")
    log.warning("refused a callback: its token is missing or wrong", client=address)
    return JSONResponse({"error": "the token in the callback URL is missing or wrong"}, 401, CLOSE)


def _turn_away(
    reason: metrics.Refusal, status: int, error: str, source: str, headers: dict[str, str] | None = None
) -> Response:
    metrics.refused(reason)
    log.warning("turned a callback away", reason=reason, status=status, source=source)
    return JSONResponse({"error": error}, status, headers or CLOSE)


async def _body(scope: Scope, receive: Receive) -> bytes:
    promised = None
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            promised = int(value)
    if promised is not None and promised > BODY_BYTES_AT_MOST:
        raise TooLarge
    # Mostly it is all there already; that it comes soon is the connection's care, which has its timer running anyway.
    first = await receive()
    if first["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = first["body"]
    if first["more_body"]:
        body = await _whole(Request(scope, receive), body)
    if promised is not None and len(body) != promised:
        # Uvicorn drops the body of a request that asks for another protocol too, and takes that for its end.
        raise ClientDisconnect
    return body


async def _whole(request: Request[State], first: bytes) -> bytes:
    body = bytearray(first)
    turn, has_turn = request.state["large_bodies"], False
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES_AT_MOST:
                    raise TooLarge
                if len(body) > LARGE_BODY_BYTES and not has_turn:
                    has_turn = await turn.acquire()
    finally:
        if has_turn:
            turn.release()
    return bytes(body)


def _delivery(allowed: Access, caller: Caller, body: bytes) -> Delivery:
    """What was sent, with our secret struck from all of it."""
    delivery = deliveries.read(caller.source, caller.parameters, allowed.strike(body))
    if isinstance(delivery, events.Delivery) and delivery.projection is not None:
        # An escape may hide a letter of the secret, which would come to light in the projection.
        projection = delivery.projection.encode()
        struck = allowed.strike(projection)
        if struck != projection:
            return deliveries.read(caller.source, caller.parameters, struck)
    return delivery
