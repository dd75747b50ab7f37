"""One call to Civitai's API with the token, and what its answer means.

The token goes to the API's own origin and nowhere else: redirects are never followed, every address is built
here, and an id can only ever be one segment of a path.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from orchestration import blobs, errors, exchange, retry, wire
from orchestration.wire import JsonObject

# The machine's own addresses are never asked for through a proxy, whatever the environment names.
_DIRECT: dict[str, httpx.AsyncBaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://[::1]": None,
    "all://localhost": None,
}


@dataclass(frozen=True)
class Call:
    """A call: its name in words, the id that it is about, and the request; parameters of None are left out."""

    name: str
    method: str
    path: str
    id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)  # a submission holds callback secrets
    headers: Mapping[str, str] = field(default_factory=dict)  # beside the token, which none of them replaces


class Connection:
    """The API's origin and one account's token; whoever made it closes it."""

    def __init__(self, base_url: str, token: str, *, timeout: float) -> None:
        """Take the API's address and the seconds for one call; ValueError when one is unusable."""
        if not (token.isascii() and token.isprintable() and token.strip()):
            raise ValueError("the API token is empty or holds characters that no token has")
        self._base_url = _checked(base_url).rstrip("/")
        self._sent_to = str(httpx.URL(self._base_url)).rstrip("/")
        self._timeout = timeout
        headers = {"Authorization": f"Bearer {token.strip()}", "Accept": "application/json"}
        self._exchange = exchange.Exchange(self._base_url, headers, timeout=timeout, connect=blobs.CONNECT)
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=blobs.CONNECT),
            mounts=_DIRECT,
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"Connection({self._base_url!r}, token=***)"

    async def aclose(self) -> None:
        """Close it, once and for all."""
        await self._exchange.aclose()
        await self._http.aclose()

    async def fetch(self, call: Call) -> JsonObject:
        """Make the call once and give the JSON object that it is answered with."""
        answer = await self.ask(call)
        if not isinstance(answer, dict):
            raise errors.Unreachable(call=call.name, id=call.id, detail="the answer is not a JSON object")
        return answer

    async def ask(self, call: Call) -> Any:
        """Make the call once and give the JSON that it is answered with, None where the answer has no content."""
        query = str(httpx.QueryParams(_given(call.parameters)))
        url = f"{self._sent_to}{call.path}{query and '?'}{query}"
        try:
            answer = await self._exchange.ask(call.method, url, headers=_headers(call), body=call.body)
        except exchange.Failed as failure:
            cause = failure.__cause__ or failure
            raise errors.Unreachable(call=call.name, id=call.id, url=url, detail=_cause(cause)) from cause
        if not answer.is_success:
            raise _refused(call, answer.status, answer.headers, None if answer.is_redirect else answer.content, url)
        if not answer.content:
            return None
        try:
            return wire.loads(answer.content)
        except ValueError as error:
            raise _unreadable(call, answer.status, url, str(error)) from None

    async def open(self, call: Call) -> httpx.Response:
        """Make the call once and give the answer unread: 200, or a redirect. Whoever asked closes it."""
        request = self._request(call)
        request.headers.update({"Accept": "*/*", "Accept-Encoding": "identity"})
        request.extensions["timeout"]["read"] = blobs.STALL
        response = await self._send(call, request)
        if response.status_code == 200 or response.next_request is not None:
            return response
        status, url = response.status_code, str(response.url)
        try:
            if response.is_success:
                raise _unreadable(call, status, url, "the answer is no content")
            raise _refused(call, status, response.headers, await response.aread(), url)
        except httpx.RequestError as error:
            raise _unreadable(call, status, url, _cause(error)) from error
        finally:
            await response.aclose()

    async def relay(self, call: Call) -> httpx.Response:
        """Make the call once and give whatever it is answered with, unread. Whoever asked closes it."""
        request = self._request(call)
        request.headers["Accept-Encoding"] = "identity"
        return await self._send(call, request)

    def _request(self, call: Call) -> httpx.Request:
        return self._http.build_request(
            call.method,
            self._base_url + call.path,
            params=_given(call.parameters),
            content=call.body,
            headers=_headers(call),
        )

    async def _send(self, call: Call, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._http.send(request, stream=True)
        except (httpx.RequestError, TimeoutError) as error:
            url, detail = str(request.url), _cause(error)
            raise errors.Unreachable(call=call.name, id=call.id, url=url, detail=detail) from error


def content(response: httpx.Response) -> blobs.Content:
    """Present content that the API gives itself; whoever opened the answer closes it."""
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    return blobs.Content(
        url=errors.without_secrets(str(response.url)),
        status=response.status_code,
        media_type=blobs.media_type(response.headers.get("Content-Type")),
        length=None if encoded else _promised(response),
        chunks=_chunks(response),
    )


def segment(identifier: str) -> str:
    """One segment of a path, which nothing in an id can leave. Raises Permanent for what is no id.

    `.` and `..` are none, however they are escaped: a server may unescape a path before it resolves it, and a tag that
    is taken away would be the whole workflow.
    """
    if not wire.is_identifier(identifier) or identifier in (".", ".."):
        raise errors.Permanent(id=identifier, detail="this cannot be an id")
    return quote(identifier, safe="")


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    url = str(response.url)
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except httpx.RequestError as error:
        raise errors.Truncated(call="download", url=url, detail=_cause(error)) from error
    promised, came = _promised(response), response.num_bytes_downloaded
    if promised is not None and came != promised:
        raise errors.Truncated(call="download", url=url, detail=f"{came} bytes of {promised} came")


def _given(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _headers(call: Call) -> httpx.Headers:
    headers = httpx.Headers({"Content-Type": "application/json"} if call.body else {})
    headers.update(call.headers)
    headers.pop("Authorization", None)  # the client's own, which is ours, goes with every call
    return headers


def _promised(response: httpx.Response) -> int | None:
    """The body's length on the wire; with `Transfer-Encoding` the header has no meaning."""
    length = response.headers.get("Content-Length", "")
    if "Transfer-Encoding" in response.headers or not (length.isascii() and length.isdigit()):
        return None
    return int(length)


def _cause(error: BaseException) -> str:
    """Say in words what is told in types: time-outs carry no message."""
    return str(error) or {
        httpx.ConnectTimeout: "no connection in time",
        httpx.ReadTimeout: "no answer in time",
        TimeoutError: "no answer in time",
    }.get(type(error), type(error).__name__)


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url) if wire.is_url(base_url) else None
    if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
        told = errors.without_secrets(base_url)
        raise ValueError(f"{told!r} is not the address of an API, https://orchestration.civitai.com is one")
    return base_url


def _refused(
    call: Call, status: int, headers: Mapping[str, str], content: bytes | None, url: str
) -> errors.OrchestrationError:
    """What an answer that is not 2xx means; one without content redirects."""
    elsewhere = b"it redirects, and the token does not go along: is this the right address of the API?"
    return errors.from_answer(
        status,
        elsewhere if content is None else content,
        call=call.name,
        id=call.id,
        url=url,
        retry_after=retry.retry_after(headers.get("Retry-After"), datetime.now(UTC)),
    )


def _unreadable(call: Call, status: int, url: str, detail: str) -> errors.Unreachable:
    return errors.Unreachable(call=call.name, id=call.id, url=url, status=status, detail=detail)
