import asyncio
import time

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


def workflow_of(*steps: Document) -> Document:
    return {"steps": [{"$type": "echo", "name": f"s{n}", **step} for n, step in enumerate(steps)]}


def played(**play: object) -> Document:
    return {"metadata": {"sandbox": {"seconds": 0, **play}}}


async def run(consumer: Consumer, *steps: Document) -> Document:
    return consumers.document(await consumer.submit(workflow_of(*steps), wait=10))


async def test_a_success_has_times_in_order_a_cost_and_its_jobs(consumer: Consumer) -> None:
    workflow = await consumer.run(wishes={"quantity": 3})
    (step,) = workflow["steps"]
    assert workflow["createdAt"] <= workflow["startedAt"] <= step["startedAt"]
    assert step["completedAt"] <= workflow["completedAt"]
    assert {job["status"] for job in step["jobs"]} == {"succeeded"}
    assert len(step["jobs"]) == 3
    assert workflow["cost"]["total"] == sum(job["cost"] for job in step["jobs"])


@pytest.mark.parametrize("outcome", ["failed", "expired", "canceled"])
async def test_an_outcome_is_the_steps_its_jobs_and_the_workflows(consumer: Consumer, outcome: str) -> None:
    workflow = await consumer.run(outcome=outcome, reason="told in a callback")
    (step,) = workflow["steps"]
    assert {workflow["status"], step["status"], step["jobs"][0]["status"]} == {outcome}
    assert "output" not in step
    assert "told in a callback" not in str(step["jobs"])


async def test_the_first_failure_ends_the_workflow_and_what_was_made_stays(consumer: Consumer) -> None:
    workflow = await run(consumer, played(), played(outcome="failed"), played())
    assert workflow["status"] == "failed"
    assert [step["status"] for step in workflow["steps"]] == ["succeeded", "failed", "canceled"]
    assert workflow["steps"][0]["output"]


async def test_a_steps_own_wishes_override_the_workflows_key_by_key(consumer: Consumer) -> None:
    body = {**workflow_of({}, played(outcome="succeeded"), {}), **played(outcome="expired")}
    body["steps"] = body["steps"][1:]
    workflow = consumers.document(await consumer.submit(body, wait=10))
    assert [step["status"] for step in workflow["steps"]] == ["succeeded", "expired"]


async def test_a_step_that_has_succeeded_shows_its_results_while_the_next_one_runs(consumer: Consumer) -> None:
    answer = await consumer.submit(workflow_of(played(), played(seconds=1)))
    while True:
        workflow = (await consumer.get(answer.json()["id"])).json()
        if workflow["steps"][0]["status"] == "succeeded":
            break
        await asyncio.sleep(0.02)
    assert workflow["status"] == "processing"
    assert workflow["steps"][0]["output"]
    assert "output" not in workflow["steps"][1]


async def test_it_takes_as_long_as_was_asked(consumer: Consumer) -> None:
    began = time.monotonic()
    await consumer.run("echo", seconds=0.5)
    assert time.monotonic() - began >= 0.5
