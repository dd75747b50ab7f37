"""How fast the archive is read through the gateway: `python -m bench.gateway` (make bench-gateway).

The same workflows, one GET each, in turns and as medians:

archived   by the gateway, from the archive
proxied    by the gateway, from the stand-in orchestrator: a plain proxying of the same call
direct     from the tables, by asyncpg in a loop of one connection, without a gateway

Load comes from wrk, which has to be there (apt-get install wrk). The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text

from bench import house, processes, record
from orchestration.client import Client
from orchestration.wire import JsonObject

WORKFLOWS = 50
CONNECTIONS = 16
ARCHIVED_SECONDS = 60.0
STEPS: list[JsonObject] = [
    {"$type": "textToImage", "input": {"prompt": "a lighthouse in fog", "width": 256, "height": 256, "quantity": 4}}
]

_READ = """
SELECT document,
       (SELECT jsonb_agg(jsonb_build_array(step, path, blob_id, encode(digest, 'hex'), size, media_type, nsfw_level))
        FROM results JOIN objects ON digest = object_digest WHERE workflow_id = workflows.id)
FROM workflows WHERE id = $1
"""


@dataclass(frozen=True)
class Speed:
    """Reads a second, what 99 of a hundred took at most, and what the gateway's process used for one."""

    per_s: float
    p99_ms: float
    cpu_ms: float = 0.0


def main() -> int:
    """Run it all and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("This bench needs wrk, which is not installed: apt-get install wrk brings it.")
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as home:
        speeds = asyncio.run(_measure(Path(home), arguments.seconds, arguments.rounds))
    figures: dict[str, Any] = {}
    for kind, measured in speeds.items():
        figures[f"{kind}_per_s"] = round(statistics.median(speed.per_s for speed in measured))
        figures[f"{kind}_p99_ms"] = round(statistics.median(speed.p99_ms for speed in measured), 1)
    for other in ("proxied", "direct"):
        ratios = [ours.per_s / theirs.per_s for ours, theirs in zip(speeds["archived"], speeds[other], strict=True)]
        figures[f"ratio_{other}"] = round(statistics.median(ratios), 2)
    for kind in ("archived", "proxied"):
        figures[f"{kind}_cpu_ms"] = round(statistics.median(speed.cpu_ms for speed in speeds[kind]), 2)
    rates = {kind: [round(speed.per_s) for speed in measured] for kind, measured in speeds.items()}
    record.write("gateway", figures, workflows=WORKFLOWS, connections=CONNECTIONS, rates=rates)
    return 0


async def _measure(home: Path, seconds: int, rounds: int) -> dict[str, list[Speed]]:
    api_port, blob_port = house.free_port(), house.free_port()
    token = "token-of-the-bench"  # noqa: S105 - nobody's
    api_url = f"http://127.0.0.1:{api_port}"
    speeds: dict[str, list[Speed]] = {"archived": [], "proxied": [], "direct": []}
    async with house.standing(home / "home", api_url=api_url, token=token) as ours:
        command = ["sandbox", "--api-port", str(api_port), "--blob-port", str(blob_port), "--token", token]
        async with processes.running(command, ours.environment, home / "home" / "logs" / "sandbox.log"):
            await house.until_answers(f"{api_url}/sandbox/workflows")
            workflow_ids = await _archived(ours, api_url, token)
            ids = home / "ids"
            ids.write_text("".join(f"{workflow_id}\n" for workflow_id in workflow_ids))
            told = {"GATEWAY_IDS": str(ids), "GATEWAY_KEY": await ours.make_key("bench")}
            async with ours.gateway() as (url, process):
                for _ in range(rounds):
                    for kind in speeds:
                        if kind == "direct":
                            speed = await _direct(ours.addresses.database_url, workflow_ids, seconds)
                        else:
                            source = {"GATEWAY_SOURCE": "live"} if kind == "proxied" else {}
                            speed = await _wrk(url, process, told | source, seconds)
                        speeds[kind].append(speed)
                        used = f"{speed.cpu_ms:.2f} ms of the gateway's processor"
                        print(f"{kind:8} {speed.per_s:7,.0f}/s, p99 {speed.p99_ms:.1f} ms, {used}", flush=True)
    return speeds


async def _archived(ours: house.House, api_url: str, token: str) -> Sequence[str]:
    """Workflows that the stand-in has and that are archived: their ids."""
    async with Client(api_url, token) as civitai:
        submission = {"steps": STEPS, "metadata": {"sandbox": {"seconds": 0}}}
        ran = await asyncio.gather(*(civitai.submit(submission, wait=20) for _ in range(WORKFLOWS)))
    workflow_ids = [workflow["id"] for workflow in ran]
    async with ours.worker():
        await ours.make_due(workflow_ids)
        await ours.ring(workflow_ids)
        deadline = time.monotonic() + ARCHIVED_SECONDS
        while time.monotonic() < deadline:
            async with ours.engine.connect() as connection:
                counted = await connection.scalar(
                    text("SELECT count(*) FROM workflows WHERE archived_at IS NOT NULL AND due_at IS NULL")
                )
            if counted == WORKFLOWS:
                return workflow_ids
            await asyncio.sleep(0.2)
    raise TimeoutError(f"{WORKFLOWS} workflows were not archived within {ARCHIVED_SECONDS:.0f} s")


async def _wrk(url: str, gateway: processes.Process, told: dict[str, str], seconds: int) -> Speed:
    """Load from CONNECTIONS connections, after a second to warm up."""
    answers: JsonObject = {}
    cpu = 0.0
    for duration in (1, seconds):
        cpu = gateway.cpu_seconds
        process = await asyncio.create_subprocess_exec(
            *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}s", "--timeout", "30s"),
            *("-s", str(Path(__file__).with_suffix(".lua")), url),
            env={**os.environ, **told},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), duration + 60)
        (line,) = [line for line in out.decode().splitlines() if line.startswith("JSON ")]
        answers = json.loads(line.removeprefix("JSON "))
        if answers["failed"]:
            raise RuntimeError(f"not every call was answered with a workflow: {answers}")
    requests = answers["requests"]
    cpu_ms = (gateway.cpu_seconds - cpu) / requests * 1000
    return Speed(requests / answers["microseconds"] * 1e6, answers["p99_ms"], cpu_ms)


async def _direct(database_url: str, workflow_ids: Sequence[str], seconds: int) -> Speed:
    """One statement after another on one connection, each parsed as it comes."""
    connection = await asyncpg.connect(database_url)
    times: list[float] = []
    try:
        statement = await connection.prepare(_READ)
        began = time.perf_counter()
        while (now := time.perf_counter()) - began < seconds:
            row = await statement.fetchrow(workflow_ids[len(times) % len(workflow_ids)])
            json.loads(row[0])
            times.append(time.perf_counter() - now)
    finally:
        await connection.close()
    return Speed(len(times) / sum(times), statistics.quantiles(times, n=100)[98] * 1000)


if __name__ == "__main__":
    sys.exit(main())
