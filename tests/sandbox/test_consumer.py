import asyncio
import time

import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


async def test_a_workflow_that_ends_within_the_wait_is_answered_with_200_and_its_results(consumer: Consumer) -> None:
    workflow = await consumer.run(wishes={"quantity": 2})
    assert workflow["status"] == "succeeded"
    assert len(consumers.output(workflow)["images"]) == 2


async def test_a_workflow_that_still_runs_is_answered_with_202(consumer: Consumer) -> None:
    answer = await consumer.submit(consumers.body(seconds=0.3))
    assert answer.status_code == 202
    workflow = consumers.document(answer)
    assert workflow["status"] not in ("succeeded", "failed")
    assert (await consumer.get(workflow["id"])).status_code == 202
    ended = await consumer.get(workflow["id"], wait="true")
    assert (ended.status_code, ended.json()["status"]) == (200, "succeeded")


async def test_a_wait_that_is_shorter_than_the_workflow_ends_with_202(consumer: Consumer) -> None:
    began = time.monotonic()
    answer = await consumer.submit(consumers.body(seconds=60), wait="0.1")
    assert answer.status_code == 202
    assert time.monotonic() - began < 30


async def test_an_unknown_workflow_is_a_problem_with_404(consumer: Consumer) -> None:
    answer = await consumer.get("0-nobody's")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= answer.json().keys()


@pytest.mark.parametrize("token", [None, "Bearer wrong", "sandbox-token"])
async def test_without_the_bearer_token_every_call_is_refused(
    sandbox: Sandbox, consumer: Consumer, token: str | None
) -> None:
    headers = {"Authorization": token} if token else {}
    for path in ("/v2/consumer/workflows", "/v2/consumer/workflows/x", "/v2/consumer/blobs/x", "/v1/consumer/jobs/x"):
        assert (await consumer.storage.get(sandbox.api_url + path, headers=headers)).status_code == 401


async def test_the_same_external_id_is_the_same_workflow(consumer: Consumer) -> None:
    body = {**consumers.body(), "externalId": "order-7"}
    first, second = await asyncio.gather(consumer.submit(body, wait=5), consumer.submit(body, wait=5))
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["externalId"] == "order-7"
    assert len(await consumer.items()) == 1


async def test_what_if_runs_nothing(consumer: Consumer) -> None:
    answer = await consumer.submit(consumers.body(), whatif="true")
    assert answer.status_code == 200
    assert answer.json()["id"] is None
    assert answer.json()["cost"]["total"] > 0
    assert await consumer.items() == []


async def test_pages_follow_each_other_newest_first_to_an_end_without_next(consumer: Consumer) -> None:
    ids = [(await consumer.run("echo"))["id"] for _ in range(5)]
    seen: list[str] = []
    pages, cursor = 0, ""
    while cursor or not pages:
        page = (await consumer.api.get("/v2/consumer/workflows", params={"take": 2, "cursor": cursor})).json()
        seen += [item["id"] for item in page["items"]]
        pages, cursor = pages + 1, page.get("next", "")
    assert pages == 3
    assert seen == ids[::-1]
    assert [item["id"] for item in await consumer.items(ascending="true")] == ids


async def test_a_list_is_filtered_by_tags_metadata_status_outcome_and_date(consumer: Consumer) -> None:
    plain = consumers.body("echo")
    first = (await consumer.submit({**plain, "tags": ["a", "b"]}, wait=5)).json()
    second = (await consumer.submit({**plain, "tags": ["a"], "metadata": {"note": "Harbour"}}, wait=5)).json()
    failed = await consumer.run("echo", outcome="failed")

    async def found(**query: str | list[str]) -> set[str]:
        return {item["id"] for item in await consumer.items(**query)}

    assert await found(tags="a") == {first["id"], second["id"]}
    assert await found(tags=["a", "b"]) == {first["id"]}
    assert await found(query="harbour") == {second["id"]}
    assert await found(excludeFailed="true") == {first["id"], second["id"]}
    assert await found(status="failed") == {failed["id"]}
    assert await found(fromDate=failed["createdAt"]) == {failed["id"]}
    assert await found(toDate=first["createdAt"]) == {first["id"]}


@pytest.mark.parametrize(
    "query", [{"take": "0"}, {"take": "101"}, {"take": "x"}, {"fromDate": "soon"}, {"cursor": "x"}]
)
async def test_a_filter_that_cannot_be_read_is_a_problem_with_400(consumer: Consumer, query: dict[str, str]) -> None:
    answer = await consumer.api.get("/v2/consumer/workflows", params=query)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == set(query)


async def test_lists_hide_mature_results_unless_asked_not_to(consumer: Consumer) -> None:
    workflow = await consumer.run(mature=True)
    assert consumers.image(workflow)["available"]
    (hidden,) = await consumer.items()
    assert consumers.image(hidden)["available"] is False
    assert consumers.image(hidden)["url"] is None
    assert "blockedReason" not in consumers.image(hidden)
    (shown,) = await consumer.items(hideMatureContent="false")
    assert consumers.image(shown)["available"]
    assert consumers.image(shown)["nsfwLevel"] == "x"
    alone = await consumer.get(workflow["id"], hideMatureContent="true")
    assert consumers.image(alone.json())["available"] is False


async def test_an_ephemeral_workflow_is_gone_once_it_has_ended(consumer: Consumer) -> None:
    body = {**consumers.body(seconds=0.3), "ephemeral": True}
    workflow = (await consumer.submit(body)).json()
    assert (await consumer.get(workflow["id"])).status_code == 202
    await consumer.get(workflow["id"], wait="5")
    assert (await consumer.get(workflow["id"])).status_code == 404
    assert await consumer.items() == []


async def test_what_is_past_its_retention_is_gone() -> None:
    async with Sandbox(retention=0.2) as brief, consumers.of(brief) as consumer:
        workflow = await consumer.run()
        blob = consumers.image(workflow)
        await asyncio.sleep(0.25)
        assert (await consumer.get(workflow["id"])).status_code == 404
        assert await consumer.items() == []
        assert (await consumer.refresh(blob["id"])).status_code == 404
        assert (await consumer.storage.get(blob["url"])).status_code == 404
