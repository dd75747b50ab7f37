from typing import Any

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer
from tests.sandbox.receivers import Receiver, until

FOR_EVER = {"times": None}


async def expected(consumer: Consumer) -> set[str]:
    return {entry["expected"] for entry in (await consumer.served()).values()}


@pytest.mark.parametrize(
    ("play", "end"),
    [
        ({}, "stored"),
        ({"faults": {"truncate": FOR_EVER}}, "stored"),
        ({"faults": {"blob_404": {"times": 5}, "workflow_404": {"times": 5}}}, "stored"),
        ({"availableAfter": 1}, "stored"),
        ({"mature": True}, "stored"),
        ({"withheld": "csam"}, "withheld"),
        ({"withheld": "csam", "placeholder": "redirect"}, "withheld"),
        ({"faults": {"blob_404": FOR_EVER}}, "gone"),
        ({"faults": {"blob_403": FOR_EVER}}, "gone"),
        ({"faults": {"workflow_404": FOR_EVER}}, "gone"),
        ({"faults": {"workflow_403": FOR_EVER}}, "gone"),
    ],
)
async def test_each_result_has_one_end(consumer: Consumer, play: dict[str, Any], end: str) -> None:
    await consumer.run(**play)
    assert await expected(consumer) == {end}


@pytest.mark.parametrize(
    ("extra", "play", "end"),
    [
        ({"ephemeral": True}, {}, "stored"),
        ({"ephemeral": True}, {"withheld": "csam"}, "withheld"),
        ({"ephemeral": True}, {"withheld": "csam", "placeholder": "redirect"}, "gone"),
        ({"ephemeral": True}, {"availableAfter": 1}, "gone"),
        ({"ephemeral": True}, {"faults": {"callback_lost": FOR_EVER}}, "gone"),
        ({}, {"faults": {"workflow_404": FOR_EVER}}, "stored"),
    ],
)
async def test_what_only_a_callback_tells_is_expected_when_it_was_taken(
    consumer: Consumer, callee: Receiver, extra: dict[str, Any], play: dict[str, Any], end: str
) -> None:
    asked = {**consumers.body(**play), **extra, "callbacks": [callee.callback("workflow:*", detailed=True)]}
    await consumer.submit(asked, wait=5)
    if "callback_lost" not in str(play):
        assert await expected(consumer) <= {"gone", end}
        await until(lambda: "workflow succeeded" in callee.told())

    async def is_settled() -> set[str]:
        return await expected(consumer)

    for _ in range(100):  # the acknowledgement takes a moment
        if await is_settled() == {end}:
            break
    assert await is_settled() == {end}


async def test_an_ephemeral_workflow_told_without_details_is_gone(consumer: Consumer, callee: Receiver) -> None:
    asked = {**consumers.body(), "ephemeral": True, "callbacks": [callee.callback("workflow:*")]}
    await consumer.submit(asked, wait=5)
    await until(lambda: "workflow succeeded" in callee.told())
    assert await expected(consumer) == {"gone"}
