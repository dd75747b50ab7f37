"""The bell: never in the way of an answer, rings for all that came together, and counts when it cannot."""

import socket
import time

from arq.connections import ArqRedis

from archive import queue
from embedded.supervisor import Addresses
from receiver import bell
from tests.working import eventually


async def test_what_is_rung_for_soon_waits_in_the_queue(addresses: Addresses, redis: ArqRedis) -> None:
    async with bell.hung(addresses.redis_url) as hung:
        hung.ring(["wf_a", "wf_b"])
        hung.ring(["wf_a"])

        async def one_waits() -> bool:
            return await queue.waiting(redis) == 1

        await eventually(one_waits)
        hung.ring(["wf_a"])  # again, later, is a new message

        async def two_wait() -> bool:
            return await queue.waiting(redis) == 2

        await eventually(two_wait)
    assert sorted(len(message.args) for message in await redis.queued_jobs(queue_name=queue.NAME)) == [1, 2]
    assert hung.failures == 0


async def test_what_was_not_rung_for_yet_is_when_it_is_taken_down(addresses: Addresses, redis: ArqRedis) -> None:
    async with bell.hung(addresses.redis_url) as hung:
        hung.ring(["wf"])
    assert await queue.waiting(redis) == 1


async def test_without_redis_ringing_is_quick_and_the_failure_is_counted() -> None:
    async with bell.hung("redis://127.0.0.1:1") as hung:
        for times in (1, 2):
            began = time.monotonic()
            hung.ring(["wf"])
            assert time.monotonic() - began < bell.RING_SECONDS

            async def it_is_counted(times: int = times) -> bool:
                return hung.failures == times

            await eventually(it_is_counted)


async def test_a_redis_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel connects, and nobody ever reads
        began = time.monotonic()
        async with bell.hung(f"redis://127.0.0.1:{silent.getsockname()[1]}") as hung:
            hung.ring(["wf"])
    assert time.monotonic() - began < 2 * bell.RING_SECONDS + 20
    assert hung.failures >= 1


async def test_it_rings_again_once_redis_is_back(addresses: Addresses, redis: ArqRedis) -> None:
    hung = bell.Bell()
    hung.ring(["wf_lost"])
    async with queue.client("redis://127.0.0.1:1") as nowhere:
        await hung.ring_once(nowhere)
    assert hung.failures == 1
    hung.ring(["wf"])
    async with queue.client(addresses.redis_url) as back:
        await hung.ring_once(back)
    assert (hung.failures, await queue.waiting(redis)) == (1, 1)


def test_an_endless_backlog_is_not_hoarded() -> None:
    hung = bell.Bell()
    hung.ring(f"wf{number}" for number in range(bell.UNRUNG_AT_MOST + 5))
    assert len(hung._unrung) == bell.UNRUNG_AT_MOST


def test_nothing_to_ring_for_wakes_nobody() -> None:
    hung = bell.Bell()
    hung.ring([])
    assert not hung._something.is_set()
