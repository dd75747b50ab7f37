"""How fast a backfill lists, against the bare calls, and how much memory it takes (make bench-backfill).

    python -m bench.backfill [--workflows 100000] [--rounds 3]

Each round lists everything twice, each time in a process of its own from its start to its end: once with nothing but
the client's calls, once with `civitai-archive backfill` into empty tables. Pages come from a bare server on loopback.
Of two rates on a busy machine the one of processor time (ours alone, without PostgreSQL's) is the steadier.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench import house, record
from orchestration.client import Client

TOKEN = "token-of-the-bench"  # noqa: S105 - nobody's
SAMPLE_SECONDS = 0.2
LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Run:
    """One process: how long it took, the processor time of that, and its resident memory all the while (MB)."""

    seconds: float
    processor_seconds: float
    megabytes: Sequence[float]

    @property
    def settled(self) -> float:
        """After the first fifth, when everything is loaded."""
        return statistics.median(self._part(1))

    @property
    def last(self) -> float:
        """In the last fifth."""
        return statistics.median(self._part(4))

    def _part(self, fifth: int) -> Sequence[float]:
        count = len(self.megabytes)
        return self.megabytes[count * fifth // 5 : max(count * (fifth + 1) // 5, count * fifth // 5 + 1)]


async def bench(workflows: int, rounds: int) -> dict[str, float]:
    """The figures, by name."""
    port = house.free_port()
    api_url = f"http://127.0.0.1:{port}"
    bare, ours = [], []
    with tempfile.TemporaryDirectory(prefix="bench-backfill-") as home:
        quickly = {"API_CALLS_PER_SECOND": "1000000"}
        async with (
            house.standing(Path(home), api_url=api_url, token=TOKEN, **quickly) as standing,
            _served(port, workflows),
        ):
            for _ in range(rounds):
                bare.append(await _run(["-m", "bench.backfill", "--bare", api_url], standing.environment))
                async with standing.engine.begin() as connection:
                    await connection.execute(text("TRUNCATE listings, workflows CASCADE"))
                ours.append(await _run(["-m", "cli", "backfill"], standing.environment))
                async with standing.engine.connect() as connection:
                    found = await connection.scalar(text("SELECT count(*) FROM workflows WHERE due_at IS NOT NULL"))
                if found != workflows:
                    raise RuntimeError(f"{found} workflows are due, not {workflows}")
                print(f"  bare {bare[-1].seconds:.1f} s, backfill {ours[-1].seconds:.1f} s", flush=True)
    seconds = statistics.median(run.seconds for run in ours)
    return {
        "listed": workflows,
        "workflows_per_s": round(workflows / seconds),
        "ratio_bare": round(statistics.median(a.seconds / b.seconds for a, b in zip(bare, ours, strict=True)), 2),
        "ratio_bare_processor": round(
            statistics.median(a.processor_seconds / b.processor_seconds for a, b in zip(bare, ours, strict=True)), 2
        ),
        "megabytes_settled": round(statistics.median(run.settled for run in ours), 1),
        "megabytes_at_the_end": round(statistics.median(run.last for run in ours), 1),
        "megabytes_at_most": round(max(max(run.megabytes) for run in ours), 1),
    }


@asynccontextmanager
async def _served(port: int, workflows: int) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "bench.listing_server", str(port), str(workflows)]
    server = await asyncio.create_subprocess_exec(*command)
    try:
        await house.until_answers(f"http://127.0.0.1:{port}/")
        yield
    finally:
        server.terminate()
        await server.wait()


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    megabytes: list[float] = []
    processor = [0.0]
    sampling = asyncio.create_task(_sample(process.pid, megabytes, processor))
    try:
        code = await asyncio.wait_for(process.wait(), LONGEST_SECONDS)
    finally:
        sampling.cancel()
        if process.returncode is None:
            process.kill()
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Run(time.perf_counter() - began, processor[-1], megabytes)


async def _sample(pid: int, megabytes: list[float], processor: list[float]) -> None:
    while True:
        resident = Path(f"/proc/{pid}/statm").read_text().split()  # noqa: ASYNC240 - no disk is asked
        spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # noqa: ASYNC240
        if int(resident[1]):
            megabytes.append(int(resident[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
            processor.append((int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK"))
        await asyncio.sleep(SAMPLE_SECONDS)


async def _list_barely(api_url: str) -> None:
    async with Client(api_url, TOKEN) as client:
        async for _ in client.query_all(take=100, ascending=True):
            pass


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.backfill", description=__doc__)
    parser.add_argument("--workflows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", metavar="URL", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.bare:
        asyncio.run(_list_barely(wanted.bare))
        return
    record.write("backfill", asyncio.run(bench(wanted.workflows, wanted.rounds)), rounds=wanted.rounds)


if __name__ == "__main__":
    main()
