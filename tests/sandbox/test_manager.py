from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


async def listed(sandbox: Sandbox, token: str, **query: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=sandbox.api_url, headers={"Authorization": f"Bearer {token}"}) as api:
        return await api.get("/v1/manager/workflows", params=query)


async def found(sandbox: Sandbox, **query: Any) -> list[str]:
    answer = await listed(sandbox, sandbox.manager_token, UserId=sandbox.state.user, **query)
    assert answer.status_code == 200, answer.text
    return [workflow["id"] for workflow in answer.json()]


async def test_a_manager_sees_a_users_workflows_as_a_bare_list_of_at_most_ten(
    sandbox: Sandbox, consumer: Consumer
) -> None:
    ids = [(await consumer.run("echo"))["id"] for _ in range(12)]
    assert {identifier.partition("-")[0] for identifier in ids} == {str(sandbox.state.user)}
    assert await found(sandbox) == ids[:1:-1]
    assert await found(sandbox, Take=3, Inverse="true") == ids[:3]
    assert await found(sandbox, Take=3, Inverse="true", Cursor=ids[2]) == ids[3:6]
    assert (await listed(sandbox, sandbox.manager_token, UserId=7)).json() == []


async def test_a_managers_list_is_filtered(sandbox: Sandbox, consumer: Consumer) -> None:
    plain = consumers.body("echo")
    both = (await consumer.submit({**plain, "tags": ["a", "b"], "metadata": {"note": "Harbour"}}, wait=5)).json()["id"]
    one = (await consumer.submit({**plain, "tags": ["a"]}, wait=5)).json()["id"]
    failed = (await consumer.run("echo", outcome="failed"))["id"]
    assert await found(sandbox, Tags=["a", "b"]) == [both]
    assert await found(sandbox, Tags="a", Inverse="True") == [both, one]
    assert await found(sandbox, Query="harbour") == [both]
    assert failed not in await found(sandbox, ExcludeFailed="true")


@pytest.mark.parametrize("query", [{"Take": 11}, {"Take": 0}, {"Cursor": "x"}, {"ExcludeFailed": "perhaps"}])
async def test_a_managers_filter_that_cannot_be_read_is_a_problem(sandbox: Sandbox, query: dict[str, Any]) -> None:
    answer = await listed(sandbox, sandbox.manager_token, UserId=sandbox.state.user, **query)
    assert answer.status_code == 400
    assert {name.lower() for name in answer.json()["errors"]} == {name.lower() for name in query}


async def test_a_consumers_token_is_refused_with_403_and_a_wrong_one_with_401(sandbox: Sandbox) -> None:
    assert (await listed(sandbox, sandbox.token, UserId=7)).status_code == 403
    assert (await listed(sandbox, "wrong", UserId=7)).status_code == 401


async def test_a_managers_token_opens_the_calls_of_consumers_too(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {sandbox.manager_token}"}) as api:
        assert (await api.get(f"{sandbox.api_url}/v2/consumer/workflows")).status_code == 200
