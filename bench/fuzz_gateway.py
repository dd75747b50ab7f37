"""Thousands of generated requests against a real gateway: `python -m bench.fuzz_gateway` (make fuzz-gateway).

The sandbox is behind it, and a few workflows are archived. No answer may be a 5xx, nor one that the OpenAPI document
does not know; nothing may be had without a key; and the process must be the same one at the end.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from sqlalchemy import text

from bench import fuzz, house, record
from orchestration.client import Client
from sandbox.server import Sandbox

EXAMPLES = 300
"""Requests of each operation, about."""


ARCHIVED_SECONDS = 60


async def run(examples: int, seed: int) -> fuzz.Fuzzed:
    """Stand a house up, have workflows archived in it, and fuzz its gateway."""
    with tempfile.TemporaryDirectory(prefix="civitai-archive-fuzz-") as directory:
        async with (
            Sandbox(seed=seed) as sandbox,
            house.standing(Path(directory), api_url=sandbox.api_url, token=sandbox.manager_token) as there,
            there.gateway() as (url, _),
        ):
            known = await archived(there, sandbox)
            key = await there.make_key("fuzz")
            return await asyncio.to_thread(fuzz.fuzz, url, key, known, examples=examples, seed=seed)


async def archived(there: house.House, sandbox: Sandbox, count: int = 3) -> dict[str, list[str]]:
    """Have so many workflows archived; ids of all that there is then, by the parameters that name them."""
    step = {"$type": "textToImage", "name": "cats", "input": {"prompt": "cats", "quantity": 2}}
    body = {"steps": [step], "metadata": {"sandbox": {"seconds": 0}}, "tags": ["cats"]}
    async with there.worker(), Client(sandbox.api_url, sandbox.token) as civitai:
        ids = [(await civitai.submit(body, wait=30))["id"] for _ in range(count)]
        await there.make_due(ids)
        await there.ring(ids)
        for _ in range(ARCHIVED_SECONDS * 10):
            if await _archived_by_now(there) == count:
                break
            await asyncio.sleep(0.1)
        fresh = (await civitai.submit(body, wait=30))["id"]
    return {
        "workflowId": [*ids, fresh],
        "stepName": ["cats"],
        "tag": ["cats"],
        "blobId": list(sandbox.state.blobs),
        "jobId": list(sandbox.state.jobs),
    }


async def _archived_by_now(there: house.House) -> int:
    async with there.engine.connect() as connection:
        query = text("SELECT count(*) FROM workflows WHERE archived_at IS NOT NULL AND leased_until IS NULL")
        return (await connection.execute(query)).scalar() or 0


def main() -> int:
    """Read the options, fuzz, and print the figures; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    done = asyncio.run(run(options.examples, options.seed))
    record.write("fuzz-gateway", {"cases": done.cases, "failures": done.failures}, seed=options.seed)
    return 1 if done.failures else 0


if __name__ == "__main__":
    sys.exit(main())
