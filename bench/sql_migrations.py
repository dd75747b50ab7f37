"""Whether migrations let ingest go on: `python -m bench.sql_migrations` (make bench-migrations).

Fills a database, takes it back to the first tables, and upgrades it while events come in as fast as one connection
writes them, each into the tables as they were at first. What counts is the longest that one of them had to wait.
"""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import asyncpg

from bench import record, sql
from migrations.upgrade import upgrade

FIRST = "2bdab24b2077"
GOAL_MS = 1000

_WRITE = """
WITH told AS (
    INSERT INTO events (workflow_id, digest, scope, status, source, parameters, body, projection, first_received_at,
                        last_received_at, deliveries)
    VALUES ($1, sha256(convert_to($1, 'UTF8')), 'workflow', 'processing', 'bench', '{}', '\\x7b7d', '{}',
            now(), now(), 1)
    RETURNING workflow_id
)
INSERT INTO workflows (id, origin, heard_at, told_status, due_at, deadline_at)
SELECT workflow_id, 'callback', now(), 'processing', now(), now() + interval '30 days' FROM told
"""


def main() -> int:
    """Fill, take back, upgrade under load, print."""
    with sql.history("bench.sql_migrations", "use this database, which loses what is newer") as url:
        _downgrade(url)
        over = threading.Event()
        waits: list[float] = []
        writer = threading.Thread(target=lambda: waits.extend(asyncio.run(_write(url, over))))
        writer.start()
        began = time.monotonic()
        try:
            upgrade(url)
        finally:
            seconds = time.monotonic() - began
            over.set()
            writer.join()
        workflows = asyncio.run(_count(url))
    longest = max(waits) * 1000
    figures = {
        "workflows": workflows,
        "upgrade_s": round(seconds, 1),
        "written": len(waits),
        "longest_wait_ms": round(longest),
        "p99_ms": round(sorted(waits)[int(len(waits) * 0.99)] * 1000, 1),
    }
    record.write("migrations", figures)
    return 0 if longest <= GOAL_MS else 1


def _downgrade(url: str) -> None:
    command = [sys.executable, "-m", "alembic", "downgrade", FIRST]
    subprocess.run(command, env={"PATH": "", "DATABASE_URL": url}, cwd=Path(__file__).parents[1], check=True)


async def _write(url: str, over: threading.Event) -> list[float]:
    """Write one event after the other; how long each took, in seconds."""
    connection = await asyncpg.connect(url)
    waits = []
    while not over.is_set():
        began = time.monotonic()
        await connection.execute(_WRITE, f"bench-{time.time_ns()}")
        waits.append(time.monotonic() - began)
    await connection.close()
    return waits


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    count = await connection.fetchval("SELECT count(*) FROM workflows")
    await connection.close()
    return int(count)


if __name__ == "__main__":
    sys.exit(main())
