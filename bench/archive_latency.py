"""How long a workflow waits to be archived: offered at a pace, through real callbacks, from the stand-in."""

import asyncio
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from bench import house, processes
from orchestration.client import Client
from orchestration.wire import JsonObject

PER_SECOND = 20
GLANCE = 0.5
LONGEST_WAIT = 60.0  # seconds for the last ones
STEPS: list[JsonObject] = [
    {"$type": "textToImage", "input": {"prompt": "a lighthouse in fog", "width": 512, "height": 512, "quantity": 2}}
]

_WAITS = """
SELECT extract(epoch FROM archived_at - (SELECT min(occurred_at) FROM events WHERE workflow_id = workflows.id
                                         AND scope = 'workflow' AND events.status = workflows.status))::float
FROM workflows WHERE archived_at IS NOT NULL AND heard_at > :since
"""


async def measure(home: Path, seconds: float) -> dict[str, float]:
    """p50 and p99 (seconds) from the terminal event to archived, at PER_SECOND workflows a second for so long."""
    api_port, blob_port = house.free_port(), house.free_port()
    token = "token-of-the-bench"  # noqa: S105 - nobody's
    api_url = f"http://127.0.0.1:{api_port}"
    async with house.standing(home, api_url=api_url, token=token) as ours:
        command = ["sandbox", "--api-port", str(api_port), "--blob-port", str(blob_port), "--token", token]
        async with (
            processes.running(command, ours.environment, home / "logs" / "sandbox.log"),
            ours.receiver(),
            ours.worker(),
            Client(api_url, token) as civitai,
        ):
            await house.until_answers(f"{api_url}/sandbox/workflows")
            await _waits(ours, civitai, 2 * PER_SECOND)  # to warm up
            waits = await _waits(ours, civitai, round(PER_SECOND * seconds))
    centiles = statistics.quantiles(waits, n=100)
    return {"p50_s": round(centiles[49], 3), "p99_s": round(centiles[98], 3)}


async def _offer(civitai: Client, callback: JsonObject, *, count: int) -> None:
    """Submit at the pace, whether or not what was submitted before has been answered."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(began + number / PER_SECOND - time.monotonic())
            group.create_task(civitai.submit({"steps": STEPS, "callbacks": [callback]}))


async def _waits(ours: house.House, civitai: Client, count: int) -> list[float]:
    """Offer so many, and wait for them all."""
    since = datetime.now(UTC)
    await _offer(civitai, ours.callback, count=count)
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            async with ours.engine.connect() as connection:
                waits = list((await connection.execute(text(_WAITS), {"since": since})).scalars())
            if len(waits) == count:
                return waits
            await asyncio.sleep(GLANCE)
