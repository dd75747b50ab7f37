"""Civitai's orchestration API, the calls that an archive needs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypedDict, TypeVar, Unpack

from orchestration import blobs, connection, errors, retry
from orchestration.connection import Call, segment
from orchestration.wire import JsonObject

TIMEOUT = 110.0  # seconds for one try, whole: Civitai ends its requests itself after 100

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Page:
    """One page of a listing; `next` is the cursor of the one that follows, None on the last."""

    items: list[JsonObject]
    next: str | None


class Filters(TypedDict, total=False):
    """What a listing can be narrowed to.

    tags: all of them. query: text in the metadata. from_date, to_date: of creation (a time without a zone
    is in UTC), which Civitai is said to ignore at times. ascending: oldest first.
    """

    tags: Sequence[str]
    query: str | None
    ascending: bool
    from_date: datetime | None
    to_date: datetime | None
    exclude_failed: bool


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
        data = json.dumps(body, allow_nan=False).encode()
        call = Call("submit workflow", "POST", "/v2/consumer/workflows", None, parameters, data)
        if not body.get("externalId"):
            return await self._connection.fetch(call)
        return await self._fetch(call)

    async def get(self, workflow_id: str, *, wait: float | None = None) -> JsonObject:
        """Fetch a workflow, as it is or as it is once ended, which is waited for at most `wait` seconds."""
        path = f"/v2/consumer/workflows/{segment(workflow_id)}"
        parameters = {"wait": _seconds(wait), "hideMatureContent": "false"}
        return await self._fetch(Call("get workflow", "GET", path, workflow_id, parameters))

    async def query(self, *, take: int | None = None, cursor: str | None = None, **filters: Unpack[Filters]) -> Page:
        """List workflows, one page: at most `take` of them, from `cursor` on."""
        parameters = {"take": take, "cursor": cursor, **_listing(filters)}
        answer = await self._fetch(Call("list workflows", "GET", "/v2/consumer/workflows", None, parameters))
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise errors.Unreachable(call="list workflows", detail="the answer has no list of workflows")
        following = answer.get("next") or answer.get("nextCursor")
        return Page(items, None if not following else str(following))

    async def query_all(self, *, take: int | None = None, **filters: Unpack[Filters]) -> AsyncIterator[JsonObject]:
        """List workflows, all pages of `take`. Raises Unreachable when its cursors go in circles."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = await self.query(take=take, cursor=cursor, **filters)
            for item in page.items:
                yield item
            if page.next is None:
                return
            if page.next in seen:
                raise errors.Unreachable(call="list workflows", detail="the same page was announced twice")
            seen.add(page.next)
            cursor = page.next

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
        try:
            redirect = response.next_request
            yield str(redirect.url) if redirect else connection.content(response)
        finally:
            await response.aclose()

    async def job(self, job_id: str) -> JsonObject:
        """Fetch a job with its last event and, where the token may read it, the scans' results."""
        path = f"/v1/consumer/jobs/{segment(job_id)}"
        return await self._fetch(Call("get job", "GET", path, job_id, {"detailed": "true"}))

    async def _fetch(self, call: Call) -> JsonObject:
        return await self._retrying(lambda: self._connection.fetch(call))

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


def _seconds(wait: float | None) -> str | None:
    return None if wait is None else f"{wait:g}"


def _listing(filters: Filters) -> dict[str, Any]:
    # Left to its default, a listing shows mature blobs as unavailable.
    return {
        "tags": list(filters.get("tags", ())),
        "query": filters.get("query"),
        "ascending": "true" if filters.get("ascending") else None,
        "fromDate": _iso(filters.get("from_date")),
        "toDate": _iso(filters.get("to_date")),
        "excludeFailed": "true" if filters.get("exclude_failed") else None,
        "hideMatureContent": "false",
    }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")
