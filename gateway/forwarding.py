"""The live side: a client's call made at Civitai with our token, and Civitai's answer as it came.

Only the path that a route has built, the query, and a few headers go up; the client's key does not. Of the answer only
the headers below come down. Callback URLs lose their secrets on the way.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from archive.access import Access
from gateway import problems, signing
from gateway.problems import Problem
from gateway.sources import HEADER, LIVE
from gateway.state import State
from orchestration import errors, wire
from orchestration.connection import Call

READ_SECONDS = 30.0
"""What Civitai may take for an answer that the archive could give too, besides what it was asked to wait."""

ANSWER_BYTES_AT_MOST = 64 << 20

_UP = ("Accept", "Content-Type", "If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "Range")
_DOWN = (
    *("Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Range", "Content-Type", "ETag"),
    *("Last-Modified", "Location", "Retry-After", "Vary", "X-Nsfw-Level"),
)
_WITHOUT_CONTENT = (204, 304)
_ENCODINGS = ("identity", "gzip", "deflate")
"""Those of answers that we can read. We ask for the first, and somebody before the API may not care."""


def is_failure(status: int) -> bool:
    """Whether an answer is none to what was asked, so that the archive may answer instead."""
    return status in (404, 429) or errors.is_server_error(status)


class _Streamed(StreamingResponse):
    """Bytes that are passed on as they come; closed however that ends."""

    def __init__(self, answer: httpx.Response, headers: Mapping[str, str]) -> None:
        super().__init__(answer.aiter_raw(), answer.status_code, headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.aclose()


async def relay(
    request: Request[State], name: str, path: str, *, body: bytes | None = None, wait: float | None = None
) -> Response:
    """Make this call, whose path is escaped already, and give the answer. `name` says it in words.

    Of a content that Civitai gives itself the bytes are passed on as they come. Raises Unreachable: also when a call
    that only reads has no answer within READ_SECONDS after the `wait` seconds that it asked for.
    """
    headers = {header: request.headers[header] for header in _UP if header in request.headers}
    call = Call(name, request.method, path, None, _grouped(request), body or None, headers)
    seconds = READ_SECONDS + (wait or 0.0) if request.method in ("GET", "HEAD") else None
    try:
        async with asyncio.timeout(seconds):
            answer = await request.state["civitai"].relay(call)
            if answer.status_code in (200, 206) and not _is_json(answer):
                return _streamed(answer)
            content = await _whole(answer)
    except httpx.InvalidURL:
        raise Problem(414, "The query is longer than an address can be.") from None
    except TimeoutError:
        raise errors.Unreachable(call=name, detail="no answer in time") from None
    return _response(request.state["access"], answer, content)


def _response(access: Access, answer: httpx.Response, content: bytes) -> Response:
    status, headers = answer.status_code, _headers(answer)
    if not 200 <= status < 600:
        raise Problem(502, f"Civitai, or somebody before it, answered {status}, which is no answer in HTTP.")
    if status == 401:
        raise Problem(502, "Civitai refuses this gateway's token: its operator has to mend that.")
    if status >= 400 and not answer.headers.get("Content-Type", "").startswith(problems.MEDIA_TYPE):
        # A proxy's page, or the bare text that some of Civitai's errors are.
        told = errors.problem(access.strike(content)) or f"Civitai answered {status}."
        return problems.response(Problem(status, told, headers=_without_type(headers)))
    if status in _WITHOUT_CONTENT:
        return Response(status_code=status, headers=_without_type(headers))
    if _is_json(answer):
        content = _struck(access, content)
    return Response(content, status, headers)


def _streamed(answer: httpx.Response) -> Response:
    headers = _headers(answer)
    if (encoding := answer.headers.get("Content-Encoding")) is not None:
        headers["Content-Encoding"] = encoding  # its bytes are passed on as they came
    if (length := answer.headers.get("Content-Length", "")).isdecimal():
        headers["Content-Length"] = length
    return _Streamed(answer, headers)


async def _whole(answer: httpx.Response) -> bytes:
    content = bytearray()
    try:
        if (encoding := answer.headers.get("Content-Encoding", "identity")).lower() not in _ENCODINGS:
            raise errors.Unreachable(detail=f"an answer encoded as {encoding}, which nobody has asked for")
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > ANSWER_BYTES_AT_MOST:
                raise errors.Unreachable(detail=f"an answer of more than {ANSWER_BYTES_AT_MOST} bytes")
    except httpx.RequestError as error:
        raise errors.Unreachable(detail="the answer broke off") from error
    finally:
        await answer.aclose()
    return bytes(content)


def _struck(access: Access, content: bytes) -> bytes:
    """The same bytes if there is no secret in them, which is nearly always so."""
    try:
        value = wire.loads(content)
    except ValueError:
        return access.strike(content)
    struck = _struck_value(access, value)
    return access.strike(content if struck == value else json.dumps(struck).encode())


def _struck_value(access: Access, value: Any) -> Any:
    """Every workflow in an answer: the answer itself, or those that it lists."""
    if isinstance(value, list):
        return [_struck_value(access, item) for item in value]
    if not isinstance(value, dict):
        return value
    struck = access.strike_document(value)
    return {**struck, "items": _struck_value(access, struck["items"])} if "items" in struck else struck


def _is_json(answer: httpx.Response) -> bool:
    return "json" in answer.headers.get("Content-Type", "").lower()


def _headers(answer: httpx.Response) -> dict[str, str]:
    # As the bytes that they are: httpx reads them as UTF-8 where it can, and we would have to write Latin-1.
    told = {name: answer.headers[name].encode(answer.headers.encoding) for name in _DOWN if name in answer.headers}
    return {name: value.decode("latin-1") for name, value in told.items()} | {HEADER: LIVE}


def _without_type(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Type"}


def _grouped(request: Request[State]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in (signing.SIGNATURE, signing.EXPIRY):  # ours, which let the client in here and nowhere else
            grouped.setdefault(name, []).append(value)
    return grouped
