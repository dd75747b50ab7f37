import time

import httpx
import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


async def everywhere(consumer: Consumer, **body: object) -> None:
    answer = await consumer.api.post("/sandbox/faults", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_busy_api_says_when_to_come_again_and_ends_being_busy(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"api_429": {"times": 2, "seconds": 7}})
    struck = [await consumer.get(workflow["id"]) for _ in range(3)]
    assert [answer.status_code for answer in struck] == [429, 429, 200]
    assert struck[0].headers["retry-after"] == "7"
    assert struck[0].headers["content-type"] == "application/problem+json"


async def test_a_failing_api_answers_problems_texts_and_pages(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"api_500": {"times": 40}})
    answers = [await consumer.get(workflow["id"]) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {500, 502, 503, 504}
    assert {answer.headers["content-type"].partition(";")[0] for answer in answers} == {
        "application/problem+json", "application/json", "text/html",
    }  # fmt: skip
    assert (await consumer.get(workflow["id"])).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [("api_402", 402), ("api_409", 409), ("api_422", 422)])
async def test_an_api_refuses_what_it_is_asked_to_refuse_and_does_nothing(
    consumer: Consumer, fault: str, status: int
) -> None:
    await everywhere(consumer, faults={fault: {"times": 1}})
    answer = await consumer.submit(consumers.body("echo"))
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    taken = await consumer.submit(consumers.body("echo"), wait=5)
    assert taken.status_code == 200
    await everywhere(consumer)
    assert [item["id"] for item in await consumer.items()] == [taken.json()["id"]]


async def test_a_hanging_api_answers_late(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"api_hang": {"times": 1, "seconds": 0.3}})
    began = time.monotonic()
    assert (await consumer.get(workflow["id"])).status_code == 200
    assert time.monotonic() - began >= 0.3


async def test_a_connection_breaks_in_the_middle_of_a_document(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"api_reset": {"times": 1}})
    with pytest.raises(httpx.TransportError):
        await consumer.get(workflow["id"])
    assert (await consumer.get(workflow["id"])).json()["id"] == workflow["id"]


@pytest.mark.parametrize(("fault", "status"), [("workflow_404", 404), ("workflow_403", 403)])
async def test_one_workflow_is_missing_or_forbidden_for_a_while(consumer: Consumer, fault: str, status: int) -> None:
    workflow, other = await consumer.run(faults={fault: {"times": 2}}), await consumer.run()
    statuses = [(await consumer.get(workflow["id"])).status_code for _ in range(3)]
    assert statuses == [status, status, 200]
    assert (await consumer.get(other["id"])).status_code == 200
    assert {item["id"] for item in await consumer.items()} == {workflow["id"], other["id"]}


async def test_what_is_missing_for_ever_is_not_seen_because_the_api_hangs(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"workflow_404": {"times": None}, "api_hang": {"seconds": 0.1}})
    assert {(await consumer.get(workflow["id"])).status_code for _ in range(5)} == {404}


async def test_a_workflow_that_is_missing_for_ever_is_in_no_list(consumer: Consumer) -> None:
    workflow = await consumer.run(faults={"workflow_404": {"times": None}})
    assert {(await consumer.get(workflow["id"])).status_code for _ in range(5)} == {404}
    assert await consumer.items() == []


@pytest.mark.parametrize(("fault", "status"), [("blob_404", 404), ("blob_403", 403)])
async def test_one_blob_is_missing_or_forbidden_for_a_while(consumer: Consumer, fault: str, status: int) -> None:
    workflow = await consumer.run(wishes={"quantity": 2}, faults={fault: {"times": 2}})
    one, two = (image["id"] for image in consumers.output(workflow)["images"])
    assert (await consumer.refresh(one)).status_code == status
    assert (await consumer.api.head(f"/v2/consumer/blobs/{one}")).status_code == status
    assert (await consumer.refresh(one)).status_code == 200
    assert (await consumer.refresh(two)).status_code == status


async def test_the_token_may_be_refused_for_a_while(consumer: Consumer) -> None:
    workflow = await consumer.run()
    await everywhere(consumer, tokenRefused=0.3)
    assert (await consumer.get(workflow["id"])).status_code == 401
    assert (await consumer.refresh("x")).status_code == 401
    began = time.monotonic()
    while (await consumer.get(workflow["id"])).status_code == 401:
        assert time.monotonic() - began < 60


async def test_faults_for_everything_strike_submits_and_lists_too(consumer: Consumer) -> None:
    await everywhere(consumer, faults={"api_500": {"times": 1}})
    assert (await consumer.submit(consumers.body())).status_code >= 500
    assert (await consumer.api.get("/v2/consumer/workflows")).status_code >= 500
    assert (await consumer.submit(consumers.body(), wait=5)).status_code == 200
    await everywhere(consumer)
    assert (await consumer.api.get("/v2/consumer/workflows")).status_code == 200


async def test_the_same_seed_and_calls_meet_the_same_faults() -> None:
    async def statuses(seed: int) -> list[int]:
        half = {"api_500": {"rate": 0.5, "times": None}}
        async with Sandbox(seed=seed, faults=half) as sandbox, consumers.of(sandbox) as consumer:
            return [(await consumer.api.get("/v2/consumer/workflows")).status_code for _ in range(20)]

    first = await statuses(1)
    assert first == await statuses(1)
    assert first != await statuses(2)
    assert 3 < first.count(200) < 17
