"""The bare script that an archive is compared with: `python -m bench.bare ADDRESS DIRECTORY < ids`.

It makes the same GETs as a worker (the document of each workflow whose id is on a line, its jobs', its contents), as
many at once, and writes the same files: no database, no queue, no hash, no fsync.
"""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import uvloop

AT_ONCE = 32


async def fetch(address: str, directory: Path, workflow_ids: list[str]) -> None:
    """Fetch them all."""
    slots = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, read_bufsize=1 << 18) as session,
        asyncio.TaskGroup() as group,
    ):
        for workflow_id in workflow_ids:
            await slots.acquire()
            task = group.create_task(_workflow(session, address, directory, workflow_id))
            task.add_done_callback(lambda _: slots.release())


async def _workflow(session: aiohttp.ClientSession, address: str, directory: Path, workflow_id: str) -> None:
    document = json.loads(await _get(session, f"{address}/v2/consumer/workflows/{workflow_id}"))
    (step,) = document["steps"]
    async with asyncio.TaskGroup() as group:
        for blob in step["output"]["images"]:
            group.create_task(_content(session, directory, blob))
        for job in step["jobs"]:
            group.create_task(_get(session, f"{address}/v1/consumer/jobs/{job['id']}"))
    (directory / f"{workflow_id}.json").write_text(json.dumps(document, indent=1))


async def _content(session: aiohttp.ClientSession, directory: Path, blob: dict[str, str]) -> None:
    (directory / blob["id"]).write_bytes(await _get(session, blob["url"]))


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.read()


if __name__ == "__main__":
    uvloop.run(fetch(sys.argv[1], Path(sys.argv[2]), sys.stdin.read().split()))
