"""What a client sends: all of it, and no more than we take."""

import asyncio
from typing import Any

from starlette.requests import Request

from gateway.problems import Problem
from orchestration import wire
from orchestration.wire import JsonObject

BYTES_AT_MOST = 16 << 20
SECONDS = 30.0


async def read(request: Request[Any]) -> bytes:
    """The body. Raises Problem: 408 when it comes too slowly, 413 when it is too large."""
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BYTES_AT_MOST:
                    sentence = f"A body may have at most {BYTES_AT_MOST} bytes."
                    raise Problem(413, sentence, headers={"Connection": "close"})
    except TimeoutError:
        sentence = f"The body did not come within {SECONDS:.0f} seconds."
        raise Problem(408, sentence, headers={"Connection": "close"}) from None
    return bytes(body)


def json_object(body: bytes) -> JsonObject:
    """The JSON object in it. Raises Problem."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        raise Problem(400, f"The body cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body is not a JSON object.")
    return value
