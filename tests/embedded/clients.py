"""How the tests speak to the servers and look at their processes."""

import os
import subprocess

import redis

from embedded import binaries, supervisor


def sql(addresses: supervisor.Addresses, statement: str) -> str:
    """What psql prints, unaligned and without headings."""
    psql = binaries.postgres("psql")
    command = [str(psql), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, addresses.database_url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def valkey(addresses: supervisor.Addresses) -> redis.Redis:
    return redis.Redis.from_url(addresses.redis_url, decode_responses=True)


def is_gone(pid: int) -> bool:
    """Whether there is no such process; a zombie is one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
