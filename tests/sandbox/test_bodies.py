import json

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


def echoing(note: bytes) -> bytes:
    return b'{"steps": [{"$type": "echo", "name": "a"}], "metadata": {"note": %b}}' % note


@pytest.mark.parametrize(
    "note",
    [
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"{",
        b"9" * 5000,
        b"[" * 64 + b"]" * 64,
        b"[" * 99999,
    ],
)
async def test_what_cannot_be_answered_again_is_refused(consumer: Consumer, note: bytes) -> None:
    answer = await consumer.api.post("/v2/consumer/workflows", content=echoing(note))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "note", [b'"\\ud800"', b'"\\udc00 \\u0000 \xc3\xbc \\ud83d\\ude00"', b"1e300", b"[" * 62 + b"]" * 62]
)
async def test_whatever_is_taken_is_answered_again(consumer: Consumer, note: bytes) -> None:
    answer = await consumer.api.post("/v2/consumer/workflows?wait=5", content=echoing(note))
    workflow = consumers.document(answer)
    assert (answer.status_code, workflow["status"]) == (200, "succeeded")
    again = await consumer.get(workflow["id"])
    assert again.json() == workflow
    again.content.decode()  # valid UTF-8, whatever it holds


@pytest.mark.parametrize("place", ["name", "$type", "tag", "input", "reason", "blobId", "cached"])
async def test_lone_surrogates_anywhere_do_no_harm(consumer: Consumer, place: str) -> None:
    odd = "\ud800"
    step = {
        "$type": "blobArchive" if place == "blobId" else odd if place == "$type" else "imageGen",
        "name": odd if place == "name" else "step",
        "input": {"prompt": odd, "width": 64, "entries": [{"blobId": odd}]} if place in ("input", "blobId") else {},
    }
    play: dict[str, object] = {"seconds": 0}
    if place == "reason":
        play |= {"outcome": "failed", "reason": odd}
    if place == "cached":
        play |= {"cached": odd}
    body = {"steps": [step], "tags": [odd] if place == "tag" else [], "metadata": {"sandbox": play}}
    answer = await consumer.api.post("/v2/consumer/workflows?wait=20", content=json.dumps(body))
    assert answer.status_code == 200, answer.text
    assert (await consumer.get(answer.json()["id"])).status_code == 200
