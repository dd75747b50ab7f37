import json

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document

STEP = {"$type": "echo", "name": "a"}


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "steps"),
        ({"steps": []}, "steps"),
        ({"steps": [{}]}, "steps[0].$type"),
        ({"steps": [STEP, STEP]}, "steps"),
        ({"steps": [STEP], "tags": ["x"] * 11}, "tags"),
        ({"steps": [STEP], "tags": ["x" * 201]}, "tags"),
        ({"steps": [STEP], "metadata": []}, "metadata"),
        ({"steps": [STEP], "externalId": "a b"}, "externalId"),
        ({"steps": [STEP], "callbacks": [{"url": "http://127.0.0.1/x", "type": ["everything"]}]}, "callbacks[0]"),
        ({"steps": [STEP], "callbacks": [{"url": "http://127.0.0.1/x", "type": []}]}, "callbacks[0]"),
        ({"steps": [STEP], "metadata": {"sandbox": {"mood": 1}}}, "metadata.sandbox"),
        ({"steps": [{**STEP, "metadata": {"sandbox": {"seconds": -1}}}]}, "steps[0].metadata.sandbox"),
    ],
)
async def test_what_cannot_be_run_is_a_problem_that_names_the_field(
    consumer: Consumer, body: Document, where: str
) -> None:
    answer = await consumer.submit(body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [where]


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
async def test_a_body_that_is_no_object_is_a_problem(consumer: Consumer, body: bytes) -> None:
    assert (await consumer.api.post("/v2/consumer/workflows", content=body)).status_code == 400


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/secret",
        "http://10.0.0.1/secret",
        "ftp://127.0.0.1/secret",
        "secret",
        7,
        # What one reader of URLs takes for loopback and another does not.
        "http://127.0.0.1@example.com/secret",
        "http://127.0.0.1\\@example.com/secret",
        "http://example.com\\@127.0.0.1/secret",
        "http://127.0.0.1\t@example.com/secret",
        "http://127.0.0.1.example.com/secret",
        "http://localhost.example.com/secret",
        "http://0.0.0.0/secret",
        "http://127.0.0.1:99999/secret",
        "http://127.0.0.1:x/secret",
        "http://[::1/secret",
        "http://１２７.0.0.1/secret",
        "http://127.0.0.1/secret\ud800",
        "http://127.0.0.1/secret and more",
        "//127.0.0.1/secret",
    ],
)
async def test_no_callback_leaves_this_machine(consumer: Consumer, url: object) -> None:
    for entry in ({"callbacks": [{"url": url, "type": ["workflow:*"]}]}, {"callbackUrl": url}):
        answer = await consumer.api.post("/v2/consumer/workflows", content=json.dumps({"steps": [STEP], **entry}))
        assert answer.status_code == 400
        assert "secret" not in answer.text


async def test_a_document_repeats_what_was_submitted_secrets_included(consumer: Consumer) -> None:
    callbacks = [{"url": "http://127.0.0.1:9/x?token=secret", "type": ["workflow:failed"], "detailed": True}]
    asked = {**consumers.body(), "tags": ["a"], "callbacks": callbacks, "arguments": {"x": 1}}
    workflow = (await consumer.submit(asked, wait=5)).json()
    assert workflow["callbacks"] == callbacks
    assert workflow["tags"] == ["a"]
    assert workflow["arguments"] == {"x": 1}
    assert workflow["steps"][0]["input"] == asked["steps"][0]["input"]


async def test_a_step_without_a_name_gets_one(consumer: Consumer) -> None:
    workflow = (await consumer.submit({"steps": [{"$type": "echo"}, {"$type": "echo"}]}, wait=5)).json()
    assert [step["name"] for step in workflow["steps"]] == ["$0", "$1"]
