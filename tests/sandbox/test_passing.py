from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


async def forward(consumer: Consumer, days: Any) -> Document:
    answer = await consumer.storage.post(consumer.api.base_url.join("/sandbox/clock"), json={"days": days})
    assert answer.status_code == 200, answer.text
    return consumers.document(answer)


async def is_found(consumer: Consumer, workflow: Document) -> list[bool]:
    """Whether its document, its step, its job, its blob, its signed URL can be had, and whether lists have it."""
    one, blob = f"/v2/consumer/workflows/{workflow['id']}", consumers.image(workflow)
    calls = [one, f"{one}/steps/step", f"/v1/consumer/jobs/{blob['jobId']}"]
    return [
        *[(await consumer.api.get(call)).status_code == 200 for call in calls],
        (await consumer.api.head(f"/v2/consumer/blobs/{blob['id']}")).status_code == 204,
        (await consumer.storage.get(blob["url"])).status_code == 200,
        workflow["id"] in [item["id"] for item in await consumer.items()],
    ]


async def test_after_thirty_days_everything_that_had_ended_is_gone(consumer: Consumer) -> None:
    workflow = await consumer.run()
    assert await is_found(consumer, workflow) == [True] * 6
    assert (await forward(consumer, 31))["daysAhead"] == 31
    assert await is_found(consumer, workflow) == [False] * 6


async def test_a_day_ends_signed_urls_and_nothing_else(consumer: Consumer) -> None:
    workflow = await consumer.run()
    await forward(consumer, 1)
    document, step, job, blob, url, listed = await is_found(consumer, workflow)
    assert (document, step, job, blob, url, listed) == (True, True, True, True, False, True)
    again = consumers.document(await consumer.get(workflow["id"]))
    assert (await consumer.storage.get(consumers.image(again)["url"])).status_code == 200


async def test_a_refreshed_blob_outlives_its_workflow_by_the_days_between(consumer: Consumer) -> None:
    workflow = await consumer.run()
    await forward(consumer, 20)
    assert (await consumer.refresh(consumers.image(workflow)["id"])).status_code == 200
    await forward(consumer, 20)
    assert (await consumer.get(workflow["id"])).status_code == 404
    assert (await consumer.refresh(consumers.image(workflow)["id"])).status_code == 200


async def test_what_is_made_after_the_clock_was_moved_is_kept_again(consumer: Consumer) -> None:
    cached = await consumer.run(cached="harbour")
    now = (await forward(consumer, 31))["now"]
    workflow = await consumer.run(cached="harbour")
    assert workflow["createdAt"] > now
    assert consumers.image(workflow)["id"] != consumers.image(cached)["id"]
    assert await is_found(consumer, workflow) == [True] * 6


@pytest.mark.parametrize("body", [{}, {"days": 0}, {"days": -1}, {"days": 1e9}, {"days": "1"}, {"days": True}, []])
async def test_days_that_cannot_pass_are_a_problem(consumer: Consumer, body: object) -> None:
    assert (await consumer.api.post("/sandbox/clock", json=body)).status_code == 400
    assert (await consumer.api.get("/sandbox/clock")).json()["daysAhead"] == 0


async def test_the_clock_has_an_end(consumer: Consumer) -> None:
    for _ in range(10):
        await forward(consumer, 3650)
    assert (await consumer.api.post("/sandbox/clock", json={"days": 1})).status_code == 400
    assert (await consumer.run("echo"))["status"] == "succeeded"


async def test_what_is_forgotten_answers_404_and_can_still_be_judged(sandbox: Sandbox, consumer: Consumer) -> None:
    body = {**consumers.body(withheld="csam"), "externalId": "once"}
    withheld = (await consumer.submit(body, wait=20)).json()
    workflow = await consumer.run()
    running = (await consumer.submit(consumers.body(seconds=60))).json()
    answer = await consumer.storage.post(f"{sandbox.api_url}/sandbox/forget")
    assert answer.status_code == 204
    assert await is_found(consumer, workflow) == [False] * 6
    assert (await consumer.get(running["id"])).status_code == 404
    assert (await consumer.api.get(consumers.image(withheld)["url"])).status_code == 404
    assert (await consumer.submit(body, wait=20)).json()["id"] != withheld["id"]
    assert consumers.image(workflow)["id"] in await consumer.served()


async def test_forgetting_wakes_whoever_waits(consumer: Consumer) -> None:
    running = (await consumer.submit(consumers.body(seconds=60))).json()
    waiting = await consumer.begin_to_wait(running["id"])
    await consumer.api.post("/sandbox/forget")
    assert (await waiting).status_code == 404
