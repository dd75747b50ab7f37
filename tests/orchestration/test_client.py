import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from orchestration import errors
from orchestration.client import Client, Page
from tests.orchestration.api import TOKEN, ok, refusal, talking
from tests.orchestration.servers import serve_bytes


async def test_submit_sends_the_workflow_and_gives_it_as_accepted() -> None:
    async with talking(JSONResponse({"id": "w"}, 202)) as (client, other):
        assert await client.submit({"steps": [], "note": "\ud800"}, wait=30, whatif=True) == {"id": "w"}
    assert other.paths == ["POST /v2/consumer/workflows"]
    assert other.query() == [("wait", "30"), ("whatif", "true")]
    assert json.loads(other.bodies[0]) == {"steps": [], "note": "\ud800"}
    assert other.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert other.asked[0].headers["Content-Type"] == "application/json"


async def test_submit_is_not_tried_again_for_it_might_be_paid_twice() -> None:
    async with talking(refusal(503), ok({"id": "w"})) as (client, other):
        with pytest.raises(errors.ServerError):
            await client.submit({"steps": []})
    assert len(other.asked) == 1


async def test_submit_with_an_external_id_is_tried_again() -> None:
    async with talking(refusal(503), ok({"id": "w"})) as (client, other):
        assert await client.submit({"externalId": "mine", "steps": []}) == {"id": "w"}
    assert other.bodies[0] == other.bodies[1]


async def test_get_asks_for_mature_content_too() -> None:
    async with talking(ok({"id": "w"})) as (client, other):
        assert await client.get("w", wait=2.5) == {"id": "w"}
    assert other.query() == [("wait", "2.5"), ("hideMatureContent", "false")]


@pytest.mark.parametrize(
    ("workflow_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../../x?y=1#z", "..%2F..%2Fx%3Fy%3D1%23z"),
        ("%2F", "%252F"),
        ("é\"'", "%C3%A9%22%27"),
    ],
)
async def test_an_id_never_leaves_its_segment_on_the_wire(workflow_id: str, segment: str) -> None:
    async with talking(ok({})) as (client, other):
        await client.get(workflow_id)
        await client.refresh(workflow_id)
        await client.job(workflow_id)
    assert other.paths == [
        f"GET /v2/consumer/workflows/{segment}",
        f"POST /v2/consumer/blobs/{segment}/refresh",
        f"GET /v1/consumer/jobs/{segment}",
    ]


@pytest.mark.parametrize("workflow_id", ["", "\ud800", "a\x00", "a" * 513, ".", ".."])
async def test_what_is_no_id_is_never_asked_for(workflow_id: str) -> None:
    async with talking(ok({})) as (client, other):
        with pytest.raises(errors.Permanent, match="this cannot be an id"):
            await client.get(workflow_id)
    assert other.asked == []


async def test_job_asks_for_the_details() -> None:
    async with talking(ok({"job": {}})) as (client, other):
        assert await client.job("j") == {"job": {}}
    assert other.query() == [("detailed", "true")]


async def test_query_sends_every_filter() -> None:
    async with talking(ok({"items": []})) as (client, other):
        page = await client.query(
            take=5,
            cursor="c/1",
            tags=["a", "b c"],
            query="cat",
            ascending=True,
            from_date=datetime(2026, 1, 1),  # noqa: DTZ001 - no zone is UTC
            to_date=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            exclude_failed=True,
        )
    assert page == Page([], None)
    assert other.query() == [
        ("take", "5"),
        ("cursor", "c/1"),
        ("tags", "a"),
        ("tags", "b c"),
        ("query", "cat"),
        ("ascending", "true"),
        ("fromDate", "2026-01-01T00:00:00Z"),
        ("toDate", "2026-01-01T22:00:00Z"),
        ("excludeFailed", "true"),
        ("hideMatureContent", "false"),
    ]


async def test_a_plain_query_sends_nothing_but_the_wish_to_see_all() -> None:
    async with talking(ok({"items": []})) as (client, other):
        await client.query()
    assert other.query() == [("hideMatureContent", "false")]


@pytest.mark.parametrize("spelling", ["next", "nextCursor"])
async def test_all_pages_are_read_in_both_spellings_of_the_cursor(spelling: str) -> None:
    pages = [ok({"items": [{"id": "1"}], spelling: "c1"}), ok({"items": [], spelling: "c2"})]
    async with talking(*pages, ok({"items": [{"id": "2"}], spelling: ""})) as (client, other):
        items = [item async for item in client.query_all(take=1, tags=["a"])]
    assert items == [{"id": "1"}, {"id": "2"}]
    assert [dict(other.query(number)).get("cursor") for number in range(3)] == [None, "c1", "c2"]
    assert all(("tags", "a") in other.query(number) for number in range(3))


async def test_cursors_that_go_in_circles_end_with_an_error() -> None:
    pages = [ok({"items": [{"id": "1"}], "next": cursor}) for cursor in ("a", "b", "a")]
    items = []

    async def read_all(client: Client) -> None:
        async for item in client.query_all():
            items.append(item)

    async with talking(*pages) as (client, other):
        with pytest.raises(errors.Unreachable, match="the same page was announced twice"):
            await read_all(client)
    assert len(items) == len(other.asked) == 3


@pytest.mark.parametrize("answer", [{}, {"items": None}, {"items": {"a": 1}}, {"items": [1]}])
async def test_a_listing_without_workflows_is_a_broken_answer(answer: Any) -> None:
    async with talking(ok(answer)) as (client, _):
        with pytest.raises(errors.Unreachable, match="no list of workflows"):
            await client.query()


@pytest.mark.parametrize(
    ("status", "meaning", "tries"),
    [
        (400, errors.Permanent, 1),
        (401, errors.CredentialError, 1),
        (402, errors.Permanent, 1),
        (403, errors.CredentialError, 1),
        (404, errors.NotFound, 1),
        (409, errors.Conflict, 3),
        (422, errors.Permanent, 1),
        (429, errors.RateLimited, 3),
        (500, errors.ServerError, 3),
    ],
)
async def test_what_is_worth_it_is_tried_again(
    status: int, meaning: type[errors.OrchestrationError], tries: int
) -> None:
    async with talking(refusal(status)) as (client, other):
        with pytest.raises(meaning) as raised:
            await client.get("w")
    assert len(other.asked) == tries
    assert (raised.value.call, raised.value.id, raised.value.status) == ("get workflow", "w", status)
    assert raised.value.detail == "No"
    assert raised.value.url == f"{other.address}/v2/consumer/workflows/w"
    assert TOKEN not in str(raised.value)


async def test_without_retries_there_is_one_try_which_tells_how_long_to_wait() -> None:
    async with talking(refusal(429, **{"Retry-After": "17"}), retries=None) as (client, other):
        with pytest.raises(errors.RateLimited) as raised:
            await client.get("w")
    assert raised.value.retry_after == 17
    assert len(other.asked) == 1


async def test_retry_after_is_honoured() -> None:
    started = time.monotonic()
    async with talking(refusal(503, **{"Retry-After": "0.4"}), ok({"id": "w"})) as (client, _):
        assert await client.get("w") == {"id": "w"}
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"a": NaN}', b"[" * 100_000])
async def test_an_answer_that_is_no_json_object_is_tried_again(body: bytes) -> None:
    async with talking(Response(body), ok({"id": "w"})) as (client, _):
        assert await client.get("w") == {"id": "w"}
    async with talking(Response(body), retries=None) as (client, _):
        with pytest.raises(errors.Unreachable):
            await client.get("w")


async def test_a_truncated_answer_is_unreachable() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": "w"'
    async with serve_bytes(answer) as address, Client(address, TOKEN, retries=None) as client:
        with pytest.raises(errors.Unreachable):
            await client.get("w")


async def test_silence_ends_with_the_time_out() -> None:
    async with serve_bytes(b"", then_hold=True) as address, Client(address, TOKEN, retries=None, timeout=0.2) as client:
        with pytest.raises(errors.Unreachable, match="no answer in time"):
            await client.get("w")


async def test_nobody_there_is_unreachable() -> None:
    async with Client("http://127.0.0.1:1", TOKEN, retries=None) as client:
        with pytest.raises(errors.Unreachable):
            await client.get("w")


async def test_the_token_is_never_shown() -> None:
    async with Client("https://orchestration.example/", TOKEN) as client:
        assert TOKEN not in repr(client) + str(vars(client))
