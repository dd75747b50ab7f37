from typing import Any

import httpx
import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document
from tests.sandbox.receivers import Receiver, until


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def call(consumer: Consumer, method: str, workflow: Document, body: Any = None, path: str = "") -> httpx.Response:
    return await consumer.api.request(method, f"/v2/consumer/workflows/{workflow['id']}{path}", json=body)


async def now(consumer: Consumer, workflow: Document) -> Document:
    return consumers.document(await consumer.get(workflow["id"]))


async def test_a_workflow_that_is_canceled_ends_there_with_its_steps_and_tells_so(
    consumer: Consumer, callee: Receiver
) -> None:
    step = {"$type": "echo"}
    body = {"steps": [step, step], "metadata": {"sandbox": {"seconds": 60}}}
    workflow = (await consumer.submit({**body, "callbacks": [callee.callback("workflow:*", "step:*")]})).json()
    await until(lambda: "step preparing" in callee.told())
    assert (await call(consumer, "PUT", workflow, {"status": "canceled"})).status_code == 204
    answer = await consumer.get(workflow["id"])
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert [step["status"] for step in answer.json()["steps"]] == ["canceled", "canceled"]
    assert "completedAt" in answer.json()
    await until(lambda: callee.told()[-3:] == ["step canceled", "step canceled", "workflow canceled"])


async def test_whoever_waits_for_a_workflow_is_woken_when_it_is_canceled(consumer: Consumer) -> None:
    workflow = (await consumer.submit(consumers.body(seconds=60))).json()
    waiting = await consumer.begin_to_wait(workflow["id"])
    assert (await call(consumer, "PUT", workflow, {"status": "canceled"})).status_code == 204
    assert (await waiting).json()["status"] == "canceled"


async def test_a_terminal_status_never_changes(consumer: Consumer) -> None:
    workflow = await consumer.run("echo")
    assert (await call(consumer, "PUT", workflow, {"status": "canceled"})).status_code == 204
    assert await now(consumer, workflow) == workflow


async def test_put_overrides_what_it_names_and_nothing_else(consumer: Consumer) -> None:
    workflow = (await consumer.submit({**consumers.body("echo"), "tags": ["a"]}, wait=5)).json()
    changes = {"metadata": {"note": "new"}, "tags": None, "allowMatureContent": True}
    assert (await call(consumer, "PUT", workflow, changes)).status_code == 204
    changed = await now(consumer, workflow)
    assert changed == {**workflow, "metadata": {"note": "new"}, "allowMatureContent": True}


async def test_patch_changes_metadata_tags_and_status(consumer: Consumer) -> None:
    workflow = (await consumer.submit({**consumers.body(seconds=60), "tags": ["a"]})).json()
    operations = [
        {"op": "add", "path": "/metadata/note", "value": "new"},
        {"op": "add", "path": "/tags/-", "value": "b"},
        {"op": "replace", "path": "/status", "value": "canceled"},
    ]
    assert (await call(consumer, "PATCH", workflow, operations)).status_code == 204
    changed = await now(consumer, workflow)
    assert changed["metadata"] == {**workflow["metadata"], "note": "new"}
    assert (changed["tags"], changed["status"]) == (["a", "b"], "canceled")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", []),
        ("PUT", "", {"metadata": []}),
        ("PUT", "", {"metadata": {"note": "new"}, "status": "succeeded"}),
        ("PUT", "", {"metadata": {"note": "new"}, "tags": ["x" * 201]}),
        ("PUT", "", {"allowMatureContent": 1}),
        ("PATCH", "", {}),
        ("PATCH", "", [{"op": "remove", "path": "/tags"}]),
        ("PATCH", "", [{"op": "replace", "path": "/tags", "value": None}]),
        ("PATCH", "", [{"op": "replace", "path": "/status", "value": "processing"}]),
        ("PATCH", "", [{"op": "replace", "path": "/id", "value": "x"}]),
        ("PATCH", "", [{"op": "replace", "path": "", "value": 7}]),
        ("PUT", "/steps/step", {}),
        ("PATCH", "/steps/step", [{"op": "replace", "path": "/metadata", "value": 7}]),
        ("PATCH", "/steps/step", [{"op": "replace", "path": "/input", "value": {}}]),
    ],
)
async def test_what_cannot_be_changed_is_a_problem_and_changes_nothing(
    consumer: Consumer, method: str, path: str, body: Any
) -> None:
    workflow = await consumer.run("echo")
    answer = await call(consumer, method, workflow, body, path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert await now(consumer, workflow) == workflow


async def test_a_deleted_workflow_is_gone_from_every_call_while_its_blobs_stay(consumer: Consumer) -> None:
    body = {**consumers.body(), "externalId": "deleted-one", "tags": ["deleted"]}
    workflow = (await consumer.submit(body, wait=20)).json()
    assert (await call(consumer, "DELETE", workflow)).status_code == 204
    assert (await consumer.get(workflow["id"])).status_code == 404
    assert await consumer.items(tags="deleted") == []
    job = workflow["steps"][0]["jobs"][0]["id"]
    assert (await consumer.api.get(f"/v1/consumer/jobs/{job}")).status_code == 404
    for method, path, rest in (
        ("DELETE", "", None),
        ("PUT", "", {}),
        ("PATCH", "", []),
        ("GET", "/steps/step", None),
        ("POST", "/tags", "x"),
        ("DELETE", "/tags", None),
    ):
        assert (await call(consumer, method, workflow, rest, path)).status_code == 404
    assert (await consumer.refresh(consumers.image(workflow)["id"])).status_code == 200
    assert (await consumer.submit(body, wait=20)).json()["id"] != workflow["id"]


async def test_a_running_workflow_that_is_deleted_is_canceled_and_404_for_who_waits(
    consumer: Consumer, callee: Receiver
) -> None:
    body = {**consumers.body(seconds=60), "callbacks": [callee.callback("workflow:*")]}
    workflow = (await consumer.submit(body)).json()
    waiting = await consumer.begin_to_wait(workflow["id"])
    assert (await call(consumer, "DELETE", workflow)).status_code == 204
    assert (await waiting).status_code == 404
    await until(lambda: callee.told()[-1:] == ["workflow canceled"])


async def test_a_step_takes_new_metadata(consumer: Consumer) -> None:
    workflow = await consumer.run("echo")
    assert (await call(consumer, "PUT", workflow, {"metadata": {"n": 1}}, "/steps/step")).status_code == 204
    operations = [{"op": "add", "path": "/metadata/m", "value": 2}]
    assert (await call(consumer, "PATCH", workflow, operations, "/steps/step")).status_code == 204
    assert (await now(consumer, workflow))["steps"][0]["metadata"] == {"n": 1, "m": 2}
    assert (await call(consumer, "PUT", workflow, {"metadata": {}}, "/steps/other")).status_code == 404
