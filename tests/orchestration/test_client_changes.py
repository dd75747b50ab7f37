"""The calls beyond reading and submitting: what they ask for, and when they are made again."""

import json
from collections.abc import Awaitable, Callable

import pytest
from starlette.responses import Response

from orchestration import errors
from orchestration.client import Client
from tests.orchestration.api import ok, refusal, talking

EMPTY = Response(status_code=204)
Ask = Callable[[Client], Awaitable[object]]

CALLS: dict[str, tuple[Ask, str, object]] = {
    "update": (lambda c: c.update("w/1", {"status": "canceled"}), "PUT …/w%2F1", {"status": "canceled"}),
    "patch": (
        lambda c: c.patch("w", [{"op": "add", "path": "/tags/-", "value": "t"}]),
        "PATCH …/w",
        [{"op": "add", "path": "/tags/-", "value": "t"}],
    ),
    "delete": (lambda c: c.delete("w"), "DELETE …/w", None),
    "add_tag": (lambda c: c.add_tag("w", "a/b"), "POST …/w/tags", "a/b"),
    "remove_tag": (lambda c: c.remove_tag("w", "a/b"), "DELETE …/w/tags/a%2Fb", None),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_change_is_asked_for_as_civitai_wants_it(name: str) -> None:
    ask, path, body = CALLS[name]
    async with talking(EMPTY) as (client, other):
        assert await ask(client) is None
    assert other.paths == [path.replace("…", "/v2/consumer/workflows")]
    assert (json.loads(other.bodies[0]) if other.bodies[0] else None) == body


@pytest.mark.parametrize("name", [name for name in CALLS if name != "patch"])
async def test_a_change_that_may_be_made_twice_is_tried_again(name: str) -> None:
    async with talking(refusal(503), EMPTY) as (client, other):
        await CALLS[name][0](client)
    assert len(other.asked) == 2


async def test_a_patch_is_made_once_for_the_same_again_may_do_more() -> None:
    async with talking(refusal(503), EMPTY) as (client, other):
        with pytest.raises(errors.ServerError):
            await client.patch("w", [])
    assert len(other.asked) == 1


async def test_a_step_is_asked_for_by_its_name() -> None:
    async with talking(ok({"name": "a/b"})) as (client, other):
        assert await client.step("w", "a/b") == {"name": "a/b"}
    assert other.paths == ["GET /v2/consumer/workflows/w/steps/a%2Fb"]


async def test_a_user_s_workflows_come_as_a_bare_list() -> None:
    async with talking(ok([{"id": "w"}])) as (client, other):
        listed = await client.query_user(
            "12345", take=5, cursor="c", tags=["a", "b"], query="q", exclude_failed=True, ascending=True
        )
    assert listed == [{"id": "w"}]
    assert other.paths == ["GET /v1/manager/workflows"]
    assert other.query() == [
        ("UserId", "12345"),
        ("Take", "5"),
        ("Cursor", "c"),
        ("Tags", "a"),
        ("Tags", "b"),
        ("Query", "q"),
        ("ExcludeFailed", "true"),
        ("Inverse", "true"),
    ]


async def test_an_answer_that_is_no_list_of_workflows_is_a_broken_one() -> None:
    async with talking(ok({"items": []})) as (client, _):
        with pytest.raises(errors.Unreachable, match="no list of workflows"):
            await client.query_user("12345")


async def test_a_listing_asks_for_a_status_and_for_mature_content_too() -> None:
    async with talking(ok({"items": []})) as (client, other):
        await client.query(status="succeeded")
    assert other.query() == [("status", "succeeded"), ("hideMatureContent", "false")]
