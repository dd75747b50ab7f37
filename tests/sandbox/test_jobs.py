import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def job(consumer: Consumer, workflow: Document, **query: str) -> Document:
    identifier = workflow["steps"][0]["jobs"][0]["id"]
    answer = await consumer.api.get(f"/v1/consumer/jobs/{identifier}", params=query)
    assert answer.status_code == 200
    return consumers.document(answer)


async def test_a_job_tells_its_last_event_its_results_and_what_the_scans_found(consumer: Consumer) -> None:
    workflow = await consumer.run(wishes={"prompt": "a harbour"})
    told = await job(consumer, workflow, detailed="true")
    assert told["lastEvent"].keys() == {"type", "dateTime", "provider", "workerId", "jobDuration", "context"}
    assert told["lastEvent"]["type"] == "Succeeded"
    assert {"hive_csam_score", "hive_vlm_summary", "nsfwLevel"} <= told["lastEvent"]["context"].keys()
    assert told["job"]["params"]["prompt"] == "a harbour"
    assert told["job"]["properties"] == {"workflowId": workflow["id"]}
    assert told["result"] == [{"blobKey": consumers.image(workflow)["id"], "available": True}]
    assert told["cost"] > 0


async def test_only_a_detailed_answer_has_the_scans(consumer: Consumer) -> None:
    assert "context" not in (await job(consumer, await consumer.run()))["lastEvent"]


async def test_a_withheld_result_is_explained(consumer: Consumer) -> None:
    told = await job(consumer, await consumer.run(withheld="csam"), detailed="true")
    assert told["lastEvent"]["context"]["blocked_reason"] == "csam"
    assert told["result"][0]["available"] is False


async def test_a_failed_job_has_no_results(consumer: Consumer) -> None:
    told = await job(consumer, await consumer.run(outcome="failed"), detailed="true")
    assert (told["lastEvent"]["type"], told["result"]) == ("Failed", [])


async def test_an_unknown_job_is_404_and_so_is_that_of_an_ended_ephemeral_workflow(consumer: Consumer) -> None:
    assert (await consumer.api.get("/v1/consumer/jobs/x")).status_code == 404
    workflow = (await consumer.submit({**consumers.body(), "ephemeral": True}, wait=5)).json()
    gone = await consumer.api.get(f"/v1/consumer/jobs/{workflow['steps'][0]['jobs'][0]['id']}")
    assert gone.status_code == 404
