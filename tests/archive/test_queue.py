"""The bell: JSON messages that name a workflow, and that no older one stands in the way of."""

import json
import time

import pytest
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from redis.exceptions import RedisError

from archive import queue
from embedded.supervisor import Addresses


async def messages(redis: ArqRedis) -> list[bytes]:
    ids = [message.decode() for message in await redis.zrange(queue.NAME, 0, -1)]
    return [await redis.get(job_key_prefix + one) for one in ids]


async def test_a_ring_is_a_json_message_with_the_ids_of_some_workflows(redis: ArqRedis) -> None:
    ids = ["wf_ü", *(f"0-{number}" for number in range(2 * queue.TOGETHER))]
    await queue.ring(redis, ids)
    told = [json.loads(message) for message in await messages(redis)]
    assert {message["f"] for message in told} == {queue.ARCHIVE_WORKFLOW}
    assert sorted(len(message["a"]) for message in told) == [1, queue.TOGETHER, queue.TOGETHER]
    assert sorted(workflow_id for message in told for workflow_id in message["a"]) == sorted(ids)


async def test_the_same_workflow_can_always_be_rung_for_again(redis: ArqRedis) -> None:
    await queue.ring(redis, ["wf"])
    await queue.ring(redis, ["wf"])
    assert await queue.waiting(redis) == 2


async def test_ringing_for_nothing_does_nothing(redis: ArqRedis) -> None:
    await queue.ring(redis, [])
    assert await queue.waiting(redis) == 0


async def test_stale_messages_are_forgotten_and_young_ones_are_not(redis: ArqRedis) -> None:
    await queue.ring(redis, ["young"])
    now = time.time()
    stale = queue.STALE.total_seconds()
    await redis.zadd(queue.NAME, {"stale": (now - stale - 1) * 1000, "nearly": (now - stale + 10) * 1000})
    assert await queue.waiting(redis) == 2
    assert b"stale" not in await redis.zrange(queue.NAME, 0, -1)


async def test_a_message_does_not_outlive_its_use_by_much(redis: ArqRedis) -> None:
    await queue.ring(redis, ["wf"])
    (key,) = await redis.keys(f"{job_key_prefix}*")
    assert 0 < await redis.pttl(key) <= 2 * queue.STALE.total_seconds() * 1000


def test_what_is_serialized_is_json_and_comes_back() -> None:
    message = {"t": 1, "f": "archive_workflow", "a": ["wf"], "k": {}, "et": 1763787600000}
    assert json.loads(queue.serialize(message)) == message
    assert queue.deserialize(queue.serialize(message)) == message


def test_a_pickle_in_the_queue_is_not_run() -> None:
    with pytest.raises(ValueError, match=r"codec|JSON|Expecting"):
        queue.deserialize(b"\x80\x04\x95.")


async def test_a_client_without_a_server_is_made_at_once_and_fails_when_it_is_used() -> None:
    began = time.monotonic()
    async with queue.client("redis://127.0.0.1:1") as redis:
        with pytest.raises(RedisError):
            await queue.ring(redis, ["wf"])
    assert time.monotonic() - began < queue.CONNECT_SECONDS


def test_a_worker_reaches_the_same_server_by_the_same_address(addresses: Addresses) -> None:
    local = queue.redis_settings(addresses.redis_url)
    assert addresses.redis_url == f"unix://{local.unix_socket_path}"
    remote = queue.redis_settings("rediss://user:secret@cache.example:6380/3")
    assert (remote.host, remote.port, remote.database, remote.ssl) == ("cache.example", 6380, 3, True)
    assert (remote.username, remote.password) == ("user", "secret")
    escaped = queue.redis_settings("redis://us%3Aer:se%2Fcret%40@cache.example/")
    assert (escaped.host, escaped.port, escaped.database, escaped.ssl) == ("cache.example", 6379, 0, False)
    assert (escaped.username, escaped.password) == ("us:er", "se/cret@")
