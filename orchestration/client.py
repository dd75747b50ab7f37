"""Civitai's orchestration API, call by call."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar, Unpack

from orchestration import blobs, connection, errors, filters, retry
from orchestration.connection import Call, segment
from orchestration.filters import Filters, ManagerFilters
from orchestration.wire import JsonObject

TIMEOUT = 110.0  # seconds for one try, whole: Civitai ends its requests itself after 100

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Page:
    """One page of a listing; `next` is the cursor of the one that follows, None on the last."""

    items: list[JsonObject]
    next: str | None


class Client:
    """The API with one account's token. Open it with `async with`; one for a process is enough.

    Every method raises of the tree in `errors`. With `retries`, transient errors are tried again by that
    schedule first; with None there is one try per call.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        retries: retry.Schedule | None = retry.API_CALLS,
        timeout: float = TIMEOUT,
    ) -> None:
        """Take the API's address and the seconds for one try; ValueError when one is unusable."""
        self._base_url = errors.without_secrets(base_url)
        self._connection = connection.Connection(base_url, token, timeout=timeout)
        self._retries = retries

    def __repr__(self) -> str:
        return f"Client({self._base_url!r}, token=***)"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._connection.aclose()

    async def submit(self, body: JsonObject, *, wait: float | None = None, whatif: bool = False) -> JsonObject:
        """Submit a workflow and give it as accepted, or as ended within `wait` seconds.

        Tried again only when the body has an `externalId`, by which Civitai knows it again: any other
        workflow might be paid for twice.
        """
        parameters = {"wait": _seconds(wait), "whatif": "true" if whatif else None}
        call = Call("submit workflow", "POST", "/v2/consumer/workflows", None, parameters, _json(body))
        if not body.get("externalId"):
            return await self._connection.fetch(call)
        return await self._fetch(call)

    async def get(self, workflow_id: str, *, wait: float | None = None) -> JsonObject:
        """Fetch a workflow, as it is or as it is once ended, which is waited for at most `wait` seconds."""
        parameters = {"wait": _seconds(wait), "hideMatureContent": "false"}
        return await self._fetch(Call("get workflow", "GET", _workflow(workflow_id), workflow_id, parameters))

    async def step(self, workflow_id: str, name: str) -> JsonObject:
        """Fetch one step of a workflow."""
        path = f"{_workflow(workflow_id)}/steps/{segment(name)}"
        return await self._fetch(Call("get step", "GET", path, f"{workflow_id} {name}"))

    async def query(self, *, take: int | None = None, cursor: str | None = None, **wanted: Unpack[Filters]) -> Page:
        """List workflows, one page: at most `take` of them, from `cursor` on."""
        parameters = {"take": take, "cursor": cursor, **filters.consumer(wanted)}
        answer = await self._fetch(Call("list workflows", "GET", "/v2/consumer/workflows", None, parameters))
        following = answer.get("next") or answer.get("nextCursor")
        return Page(_workflows(answer.get("items"), "list workflows"), None if not following else str(following))

    async def query_user(
        self, user_id: str, *, take: int | None = None, cursor: str | None = None, **wanted: Unpack[ManagerFilters]
    ) -> list[JsonObject]:
        """List the workflows of any user, at most 10; only a manager's token may."""
        parameters = {"UserId": user_id, "Take": take, "Cursor": cursor, **filters.manager(wanted)}
        call = Call("list a user's workflows", "GET", "/v1/manager/workflows", user_id, parameters)
        return _workflows(await self._retrying(lambda: self._connection.ask(call)), call.name)

    async def query_all(self, *, take: int | None = None, **wanted: Unpack[Filters]) -> AsyncIterator[JsonObject]:
        """List workflows, all pages of `take`. Raises Unreachable when its cursors go in circles."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = await self.query(take=take, cursor=cursor, **wanted)
            for item in page.items:
                yield item
            if page.next is None:
                return
            if page.next in seen:
                raise errors.Unreachable(call="list workflows", detail="the same page was announced twice")
            seen.add(page.next)
            cursor = page.next

    async def update(self, workflow_id: str, changes: JsonObject) -> None:
        """Change a workflow's metadata, tags or status; the status `canceled` cancels it."""
        await self._tell(Call("update workflow", "PUT", _workflow(workflow_id), workflow_id, body=_json(changes)))

    async def patch(self, workflow_id: str, operations: Sequence[JsonObject]) -> None:
        """Change a workflow by JSON Patch (RFC 6902). Made once: the same operations again may do more."""
        call = Call("patch workflow", "PATCH", _workflow(workflow_id), workflow_id, body=_json(list(operations)))
        await self._connection.ask(call)

    async def delete(self, workflow_id: str) -> None:
        """Have Civitai forget a workflow, which cancels it if it has not ended."""
        await self._tell(Call("delete workflow", "DELETE", _workflow(workflow_id), workflow_id))

    async def add_tag(self, workflow_id: str, tag: str) -> None:
        """Give a workflow a tag, unless it has it."""
        await self._tell(Call("add tag", "POST", f"{_workflow(workflow_id)}/tags", workflow_id, body=_json(tag)))

    async def remove_tag(self, workflow_id: str, tag: str) -> None:
        """Take a tag from a workflow."""
        path = f"{_workflow(workflow_id)}/tags/{segment(tag)}"
        await self._tell(Call("remove tag", "DELETE", path, workflow_id))

    async def refresh(self, blob_id: str) -> JsonObject:
        """Give the blob with a fresh signed `url`; its 30 days at Civitai start anew."""
        path = f"/v2/consumer/blobs/{segment(blob_id)}/refresh"
        return await self._fetch(Call("refresh blob", "POST", path, blob_id))

    @asynccontextmanager
    async def blob(self, blob_id: str) -> AsyncIterator[str | blobs.Content]:
        """Ask for a blob: the address that it redirects to (for a BlobClient), or its content itself."""
        path = f"/v2/consumer/blobs/{segment(blob_id)}"
        call = Call("get blob", "GET", path, blob_id)
        response = await self._retrying(lambda: self._connection.open(call))
        from orchestration import unread  # once it is needed: see `Connection.open`

        try:
            redirect = response.next_request
            yield str(redirect.url) if redirect else unread.content(response)
        finally:
            await response.aclose()

    async def job(self, job_id: str) -> JsonObject:
        """Fetch a job with its last event and, where the token may read it, the scans' results."""
        path = f"/v1/consumer/jobs/{segment(job_id)}"
        return await self._fetch(Call("get job", "GET", path, job_id, {"detailed": "true"}))

    async def _fetch(self, call: Call) -> JsonObject:
        return await self._retrying(lambda: self._connection.fetch(call))

    async def _tell(self, call: Call) -> None:
        await self._retrying(lambda: self._connection.ask(call))

    async def _retrying(self, attempt: Callable[[], Awaitable[_Answer]]) -> _Answer:
        failures = 0
        while True:
            try:
                return await attempt()
            except errors.Transient as error:
                failures += 1
                now = datetime.now(UTC)
                decision = self._retries and retry.decide(error, failures, now, schedule=self._retries)
                if not decision:
                    raise
                await asyncio.sleep((decision.at - now).total_seconds())


def _workflow(workflow_id: str) -> str:
    return f"/v2/consumer/workflows/{segment(workflow_id)}"


def _workflows(answer: object, call: str) -> list[JsonObject]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise errors.Unreachable(call=call, detail="the answer has no list of workflows")
    return answer


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _seconds(wait: float | None) -> str | None:
    return None if wait is None else f"{wait:g}"
