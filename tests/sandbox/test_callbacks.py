import asyncio
from typing import Any

import pytest

from sandbox import callbacks
from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer
from tests.sandbox.receivers import Receiver, until

IN_ORDER = [f"workflow {status}" for status in ("unassigned", "preparing", "scheduled", "processing", "succeeded")]


async def told(consumer: Consumer, callee: Receiver, *events: str, count: int, **play: Any) -> list[str]:
    """What is told of one workflow, once so much of it is."""
    body = {**consumers.body(**play), "callbacks": [callee.callback(*events)]}
    assert (await consumer.submit(body, wait=20)).status_code == 200
    await until(lambda: len(callee.bodies) >= count)
    return callee.told()


async def test_callbacks_come_one_at_a_time_and_in_order(consumer: Consumer, callee: Receiver) -> None:
    callee.seconds = 0.02
    assert await told(consumer, callee, "workflow:*", count=5) == IN_ORDER
    assert callee.most_at_once == 1


async def test_the_url_is_called_as_it_was_registered(consumer: Consumer, callee: Receiver) -> None:
    await told(consumer, callee, "workflow:succeeded", count=1)
    assert callee.queries == ["token=its-secret&runId=7"]


@pytest.mark.parametrize("failure", [500, 503, 408, 429])
async def test_a_failed_delivery_is_tried_again_while_later_ones_wait(
    consumer: Consumer, callee: Receiver, failure: int
) -> None:
    callee.answers = [202, failure, failure]
    expected = [IN_ORDER[0], *[IN_ORDER[1]] * 3, *IN_ORDER[2:]]
    assert await told(consumer, callee, "workflow:*", count=7) == expected


async def test_a_refusal_is_final(consumer: Consumer, callee: Receiver) -> None:
    callee.answers = [404]
    assert await told(consumer, callee, "workflow:*", count=5) == IN_ORDER


async def test_what_nobody_takes_is_given_up_for_good_and_counted(
    sandbox: Sandbox, consumer: Consumer, callee: Receiver
) -> None:
    callee.answers = [500] * 4
    assert await told(consumer, callee, "workflow:*", count=8) == [IN_ORDER[0]] * 4 + IN_ORDER[1:]
    await until(lambda: len(sandbox.callbacks_sent) == 5)
    assert [delivery.answers for delivery in sandbox.callbacks_sent] == [[500] * 4, *[[202]] * 4]
    (summary,) = (await consumer.api.get("/sandbox/workflows")).json()
    assert (summary["callbacksDelivered"], summary["callbacksFailed"]) == (4, 1)


async def test_a_receiver_that_is_not_there_is_tried_again(sandbox: Sandbox, consumer: Consumer) -> None:
    nowhere = {"url": "http://127.0.0.1:9/x?token=secret", "type": ["workflow:succeeded"]}
    await consumer.submit({**consumers.body(), "callbacks": [nowhere]}, wait=5)
    await until(lambda: len(sandbox.callbacks_sent) == 1)
    assert sandbox.callbacks_sent[0].answers == [None] * 4
    assert "secret" not in repr(sandbox.callbacks_sent[0])


async def test_nothing_but_loopback_is_connected_to_whatever_the_url_said(
    sandbox: Sandbox, consumer: Consumer, callee: Receiver
) -> None:
    await consumer.run("echo")
    (workflow,) = sandbox.state.workflows.values()
    async with callbacks.Deliveries(sandbox.chance, retry_delays=()) as deliveries:
        for url in ("http://192.0.2.1/x", "http://[2001:db8::1]/x", callee.url):  # as a name might lead there
            deliveries.post(workflow, url, {"$type": "workflow", "status": "succeeded"})
        await until(lambda: len(deliveries.sent) == 3)
    assert [delivery.answers for delivery in deliveries.sent] == [[None], [None], [202]]


async def test_the_real_ones_patience_is_about_half_a_minute() -> None:
    assert 20 <= sum(callbacks.RETRY_DELAYS) <= 40


async def test_a_lost_callback_never_comes(sandbox: Sandbox, consumer: Consumer, callee: Receiver) -> None:
    faults = {"callback_lost": {"times": 2}}
    assert await told(consumer, callee, "workflow:*", count=3, faults=faults) == IN_ORDER[2:]
    assert [delivery.answers for delivery in sandbox.callbacks_sent][:2] == [[], []]


async def test_a_doubled_callback_comes_twice(consumer: Consumer, callee: Receiver) -> None:
    faults = {"callback_doubled": {"times": 1}}
    assert await told(consumer, callee, "workflow:*", count=6, faults=faults) == [IN_ORDER[0], *IN_ORDER]
    assert callee.bodies[0] == callee.bodies[1]


async def test_a_reordered_callback_is_passed_by_the_next(consumer: Consumer, callee: Receiver) -> None:
    one, two, *rest = IN_ORDER
    faults = {"callback_reordered": {"times": 1}}
    assert await told(consumer, callee, "workflow:*", count=5, faults=faults) == [two, one, *rest]


async def test_a_reordered_callback_that_nothing_follows_comes_all_the_same(
    consumer: Consumer, callee: Receiver
) -> None:
    faults = {"callback_reordered": {"seconds": 0.1}}
    assert await told(consumer, callee, "workflow:succeeded", count=1, faults=faults) == IN_ORDER[-1:]


async def test_a_late_callback_comes_after_the_others(consumer: Consumer, callee: Receiver) -> None:
    one, *rest = IN_ORDER
    faults = {"callback_late": {"times": 1, "seconds": 0.5}}
    assert await told(consumer, callee, "workflow:*", count=5, faults=faults) == [*rest, one]


async def test_leaving_does_not_wait_for_what_is_not_delivered(callee: Receiver) -> None:
    callee.seconds = 60
    async with asyncio.timeout(10):
        async with Sandbox() as sandbox, consumers.of(sandbox) as consumer:
            await consumer.submit({**consumers.body(), "callbacks": [callee.callback("workflow:*")]})
            await until(lambda: callee.at_once == 1)
