"""The bell: messages in Redis that hint at workflows by their ids. The rows decide; a lost message costs seconds."""

import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import parse_url

NAME = "civitai-archive"
"""The queue's key, so that another arq application on the same Redis is not in its way."""

ARCHIVE_WORKFLOW = "archive_workflow"

STALE = timedelta(minutes=1)
"""A message not taken by then, or whose taker was killed, is forgotten: the sweep rings again for what is due."""

AHEAD = timedelta(seconds=30)
"""How much longer what is rung for the first time seems to wait: a worker takes the oldest message first."""

TOGETHER = 8
"""Workflows that one message names at most, when the bell rings for several: a message costs arq and Redis the same."""

CONNECT_SECONDS = 2


def redis_settings(url: str) -> RedisSettings:
    """How an arq worker reaches Redis or Valkey: `redis://`, `rediss://` or `unix://`."""
    # Read as the client of the bell reads it: arq itself takes an escaped password for what it says, and a slash at the
    # end for a number.
    there = parse_url(url)
    return RedisSettings(
        host=there.get("host", "localhost"),
        port=there.get("port", 6379),
        unix_socket_path=there.get("path"),
        database=there.get("db", 0),
        username=there.get("username"),
        password=there.get("password"),
        ssl=url.startswith("rediss:"),
        conn_timeout=CONNECT_SECONDS,
        conn_retries=2,
    )


def serialize(message: dict[str, Any]) -> bytes:
    """JSON, not arq's pickle: what can write to Redis must not be able to run code here.

    The outcomes that arq writes may hold an exception, which is told by its text.
    """
    return json.dumps(message, default=str).encode()


def deserialize(data: bytes) -> dict[str, Any]:
    """The counterpart of `serialize`."""
    message: dict[str, Any] = json.loads(data)
    return message


@asynccontextmanager
async def client(url: str) -> AsyncIterator[ArqRedis]:
    """A client that can ring. It connects when it is first used, and again whenever it has to."""
    pool = BlockingConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, max_connections=8
    )
    redis = ArqRedis(pool, job_serializer=serialize, job_deserializer=deserialize, default_queue_name=NAME)
    try:
        yield redis
    finally:
        await redis.aclose(close_connection_pool=True)


async def ring(redis: ArqRedis, workflow_ids: Iterable[str], *, again: bool = False) -> None:
    """Hint that these workflows are due, TOGETHER a message. Each has an id of its own: no old one can stand in
    its way.

    Rung `again`, they wait behind whatever has just become due. One round trip for all of them, where arq's
    `enqueue_job` takes three for each to find out that the id is free.
    """
    now = time.time_ns() // 1_000_000
    ids = list(workflow_ids)
    messages = {
        uuid4().hex: serialize_job(
            ARCHIVE_WORKFLOW, tuple(ids[first : first + TOGETHER]), {}, None, now, serializer=serialize
        )
        for first in range(0, len(ids), TOGETHER)
    }
    if not messages:
        return
    async with redis.pipeline(transaction=False) as pipe:
        for message_id, message in messages.items():
            pipe.psetex(job_key_prefix + message_id, 2 * STALE, message)
        pipe.zadd(NAME, dict.fromkeys(messages, now if again else now - AHEAD / timedelta(milliseconds=1)))
        await pipe.execute()


async def take_out(redis: ArqRedis, message_id: str) -> None:
    """Take a message out of the queue when its task begins, and not, as arq does, when it has ended.

    Those of busy workers would fill the queue, of which a worker reads no more than the head; a task that is broken off
    needs none, since its row says that it is due.
    """
    await redis.zrem(NAME, message_id)


async def waiting(redis: ArqRedis) -> int:
    """How many messages nobody has taken yet, after forgetting the stale ones, whose takers were killed."""
    await redis.zremrangebyscore(NAME, "-inf", (time.time() - STALE.total_seconds()) * 1000)
    return int(await redis.zcard(NAME))
