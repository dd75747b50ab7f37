"""One call to Civitai's API with the token, and what its answer means.

The token goes to the API's own origin and nowhere else: redirects are never followed, every address is built
here, and an id can only ever be one segment of a path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import yarl
from multidict import CIMultiDict

from orchestration import blobs, errors, exchange, heads, retry, wire
from orchestration.wire import JsonObject

if TYPE_CHECKING:
    import httpx

    from orchestration import unread


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
        self._sent_to = str(yarl.URL(self._base_url)).rstrip("/")
        self._timeout = timeout
        self._headers = {
            "Authorization": f"Bearer {token.strip()}",
            "Accept": "application/json",
            "User-Agent": heads.USER_AGENT,
        }
        self._exchange = exchange.Exchange(self._sent_to, self._headers, timeout=timeout, connect=blobs.CONNECT)
        self._unread: unread.Asking | None = None

    def __repr__(self) -> str:
        return f"Connection({self._base_url!r}, token=***)"

    async def aclose(self) -> None:
        """Close it, once and for all."""
        await self._exchange.aclose()
        if self._unread is not None:
            await self._unread.aclose()

    async def fetch(self, call: Call) -> JsonObject:
        """Make the call once and give the JSON object that it is answered with."""
        answer = await self.ask(call)
        if not isinstance(answer, dict):
            raise errors.Unreachable(call=call.name, id=call.id, detail="the answer is not a JSON object")
        return answer

    async def ask(self, call: Call) -> Any:
        """Make the call once and give the JSON that it is answered with, None where the answer has no content."""
        url = self._url(call)
        try:
            answer = await self._exchange.ask(call.method, url, headers=_headers(call), body=call.body)
        except exchange.Failed as failure:
            raise errors.Unreachable(call=call.name, id=call.id, url=url, detail=str(failure)) from failure
        if not answer.is_success:
            raise _refused(call, answer.status, answer.headers, None if answer.is_redirect else answer.content, url)
        if not answer.content:
            return None
        try:
            return wire.loads(answer.content)
        except ValueError as error:
            raise _unreadable(call, answer.status, url, str(error)) from None

    async def open(self, call: Call) -> "httpx.Response":
        """Make the call once and give the answer unread: 200, or a redirect. Whoever asked closes it."""
        response = await self._ask_unread(call, {"Accept": "*/*"}, stall=blobs.STALL)
        if response.status_code == 200 or response.next_request is not None:
            return response
        status, url = response.status_code, str(response.url)
        try:
            if response.is_success:
                raise _unreadable(call, status, url, "the answer is no content")
            raise _refused(call, status, response.headers, await self._asking().whole(response), url)
        except exchange.Failed as failure:
            raise _unreadable(call, status, url, str(failure)) from failure
        finally:
            await response.aclose()

    async def relay(self, call: Call) -> "httpx.Response":
        """Make the call once and give whatever it is answered with, unread. Whoever asked closes it."""
        return await self._ask_unread(call, {})

    async def _ask_unread(
        self, call: Call, accepted: Mapping[str, str], *, stall: float | None = None
    ) -> "httpx.Response":
        url, headers = self._url(call), _headers(call)
        headers.update({**accepted, "Accept-Encoding": "identity"})
        try:
            return await self._asking().ask(call.method, url, headers=headers, body=call.body, stall=stall)
        except exchange.Failed as failure:
            raise errors.Unreachable(call=call.name, id=call.id, url=url, detail=str(failure)) from failure

    def _asking(self) -> "unread.Asking":
        if self._unread is None:
            from orchestration import unread  # what imports httpx, which most commands have no need of

            self._unread = unread.Asking(self._sent_to, self._headers, timeout=self._timeout, connect=blobs.CONNECT)
        return self._unread

    def _url(self, call: Call) -> str:
        query = urlencode({name: value for name, value in call.parameters.items() if value is not None}, doseq=True)
        return f"{self._sent_to}{call.path}{query and '?'}{query}"


def segment(identifier: str) -> str:
    """One segment of a path, which nothing in an id can leave. Raises Permanent for what is no id.

    `.` and `..` are none, however they are escaped: a server may unescape a path before it resolves it, and a tag that
    is taken away would be the whole workflow.
    """
    if not wire.is_identifier(identifier) or identifier in (".", ".."):
        raise errors.Permanent(id=identifier, detail="this cannot be an id")
    return quote(identifier, safe="")


def _headers(call: Call) -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": "application/json"} if call.body else {})
    headers.update(call.headers)
    headers.popall("Authorization", None)  # the client's own, which is ours, goes with every call
    return headers


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
