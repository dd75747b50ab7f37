from typing import Any

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document
from tests.sandbox.receivers import Receiver, until


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def bodies(
    consumer: Consumer, callee: Receiver, *events: str, detailed: bool = False, **play: Any
) -> list[Document]:
    """Everything that is told of one workflow."""
    body = {**consumers.body(**play), "callbacks": [callee.callback(*events, "workflow:*", detailed=detailed)]}
    await consumer.submit(body, wait=20)
    ends = {f"workflow {status}" for status in ("succeeded", "failed", "expired", "canceled")}
    await until(lambda: bool(ends & set(callee.told())))
    return callee.bodies


async def test_a_workflow_event_has_a_timestamp_and_no_details_unless_asked(
    consumer: Consumer, callee: Receiver
) -> None:
    last = (await bodies(consumer, callee))[-1]
    assert last.keys() == {"$type", "workflowId", "status", "timestamp"}
    assert last["timestamp"].endswith("Z")
    assert len(last["timestamp"].partition(".")[2]) == len("1234567Z")


async def test_step_and_job_events_have_no_timestamp(consumer: Consumer, callee: Receiver) -> None:
    told = await bodies(consumer, callee, "step:*", "job:*")
    steps = [body for body in told if body["$type"] == "step"]
    jobs = [body for body in told if body["$type"] == "job"]
    assert [step["status"] for step in steps] == ["preparing", "scheduled", "processing", "succeeded"]
    assert steps[0]["preparation"].keys() == {"resource", "queuePosition", "progress", "etaSeconds"}
    assert steps[-1].keys() == {"$type", "workflowId", "name", "status"}
    assert [job["progress"] for job in jobs if "progress" in job] == [0.25, 0.5, 0.75]
    assert jobs[-1].keys() == {"$type", "workflowId", "stepName", "jobId", "status"}
    assert jobs[-1]["status"] == "succeeded"


async def test_details_bring_the_whole_workflow_and_its_steps(consumer: Consumer, callee: Receiver) -> None:
    told = await bodies(consumer, callee, "step:*", detailed=True)
    workflow, step = told[-1]["details"], next(body for body in reversed(told) if body["$type"] == "step")["details"]
    assert workflow.keys() == {"metadata", "arguments", "createdAt", "startedAt", "completedAt", "steps"}
    assert workflow["steps"][0].keys() == {
        "name", "status", "startedAt", "completedAt", "metadata", "input", "output", "cost",
    }  # fmt: skip
    assert step.keys() == {"startedAt", "completedAt", "retries", "metadata", "input", "output"}
    for output in (workflow["steps"][0]["output"], step["output"]):
        assert (await consumer.storage.get(output["images"][0]["url"])).status_code == 200


async def test_only_a_jobs_callback_says_why_it_failed(consumer: Consumer, callee: Receiver) -> None:
    play: dict[str, Any] = {"outcome": "failed", "reason": "The model is gone.", "blockedReason": "moderated"}
    told = await bodies(consumer, callee, "job:failed", **play)
    (job,) = [body for body in told if body["$type"] == "job"]
    assert (job["reason"], job["blockedReason"]) == ("The model is gone.", "moderated")
    document = (await consumer.get(job["workflowId"])).json()
    assert document["steps"][0]["jobs"][0].keys() <= {"id", "status", "startedAt", "completedAt", "cost"}


async def test_a_mature_job_says_so(consumer: Consumer, callee: Receiver) -> None:
    told = await bodies(consumer, callee, "job:*", mature=True)
    assert all(body["matureContent"] for body in told if body["$type"] == "job")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["workflow:succeeded"], {"workflow succeeded"}),
        (["step:processing", "job:succeeded"], {"step processing", "job succeeded"}),
        (["step:*"], {f"step {status}" for status in ("preparing", "scheduled", "processing", "succeeded")}),
    ],
)
async def test_only_what_was_asked_for_is_told(
    consumer: Consumer, callee: Receiver, events: list[str], told: set[str]
) -> None:
    await consumer.submit({**consumers.body(), "callbacks": [callee.callback(*events)]}, wait=5)
    await until(lambda: set(callee.told()) == told)


async def test_the_older_form_of_registration_is_heard(consumer: Consumer, callee: Receiver) -> None:
    body = {**consumers.body(), "callbackUrl": callee.url, "callbackEvents": ["workflow:succeeded"]}
    await consumer.submit(body, wait=5)
    await until(lambda: callee.told() == ["workflow succeeded"])
