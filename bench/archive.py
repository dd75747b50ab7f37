"""How fast workflows are archived, each measurement against its baseline in the same run (make bench-archive).

    python -m bench.archive [--quick] [--rounds 3] [--only downloads,workflows,memory,latency,rows]

downloads   500 results of 1 MB and 2 of 300 MB, against `curl -Z` and `aria2c` with 16 at once
workflows   1,000 workflows of 4 results of 50 kB, against a bare script and against two workers
memory      the most that a worker takes with 16 results of 300 MB at once
latency     20 workflows a second through real callbacks: from the terminal event to archived
rows        the cost of a workflow with a million in the tables, against none

Workflows, their documents and their contents come from an nginx on loopback, those of `latency` from the stand-in. What
is compared takes turns, and medians count. What ours is compared with neither hashes nor syncs. The last line is JSON.
"""

import argparse
import asyncio
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import archive_latency, archive_rows, house, nginx, offers, record, rivals
from bench.archive_runs import Run, Runs
from bench.offers import Offer

Figures = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    small: int = 20  # workflows of 25 results of 1 MB
    large: int = 2  # workflows of one result of large_bytes
    large_bytes: int = 300_000_000
    at_once: int = 16  # results of one workflow, of large_bytes each
    workflows: int = 1000  # of 4 results of 50 kB
    seconds: float = 30.0  # of offers at a pace
    rows: int = 1_000_000


QUICK = Sizes(small=1, large=1, large_bytes=20_000_000, at_once=4, workflows=30, seconds=2.0, rows=1000)


class Bench:
    """The sections, each with figures by name. What else was measured is in `details`."""

    def __init__(self, runs: Runs, home: Path, sizes: Sizes, rounds: int) -> None:
        self.runs, self.sizes, self.rounds = runs, sizes, rounds
        self.details: dict[str, Any] = {}
        self._home = home
        self._offers = 0

    async def downloads(self) -> Figures:
        """Much content, compared with tools that do nothing but download."""
        rates: dict[str, list[float]] = {"archive": []}
        fetchers = rivals.installed()
        for _ in range(self.rounds):
            small = self._offer(self.sizes.small, results=25, size=1_000_000)
            large = self._offer(self.sizes.large, results=1, size=self.sizes.large_bytes)
            both = Offer(
                [*small.workflow_ids, *large.workflow_ids],
                [*small.job_ids, *large.job_ids],
                [*small.blob_ids, *large.blob_ids],
                small.size + large.size,
            )
            offers.warm(self.runs.files, both)
            run = await self.runs.archive(both)
            self._tell("archive", run, both)
            rates["archive"].append(both.size / run.seconds / 1e6)
            for name, fetch in fetchers.items():
                seconds = await self._timed(partial(fetch, both.urls(self.runs.address)))
                rates.setdefault(name, []).append(both.size / seconds / 1e6)
                print(f"  {name}: {rates[name][-1]:.0f} MB/s", flush=True)
            offers.withdraw(self.runs.files, both)
        self.details["mb_per_s"] = rates
        ours = statistics.median(rates["archive"])
        ratios = {f"ratio_{name}": _ratio(rates["archive"], rates[name]) for name in fetchers}
        return {"mb_per_s": round(ours, 1), **ratios}

    async def workflows(self) -> Figures:
        """Many workflows of little content, compared with a bare script, and with two workers."""
        rates: dict[str, list[float]] = {"archive": [], "bare": [], "two workers": []}
        for _ in range(self.rounds):
            for name in rates:
                offer = self._offer(self.sizes.workflows, results=4, size=50_000)
                if name == "bare":
                    seconds = await self._timed(partial(self._bare, offer))
                    print(f"  bare: {len(offer.workflow_ids) / seconds:.0f} workflows/s", flush=True)
                else:
                    run = await self.runs.archive(offer, workers=2 if name == "two workers" else 1)
                    self._tell(name, run, offer)
                    seconds = run.seconds
                rates[name].append(len(offer.workflow_ids) / seconds)
                offers.withdraw(self.runs.files, offer)
        self.details["workflows_per_s"] = rates
        return {
            "workflows_per_s": round(statistics.median(rates["archive"]), 1),
            "ratio_bare": _ratio(rates["archive"], rates["bare"]),
            "ratio_two_workers": _ratio(rates["two workers"], rates["archive"]),
        }

    async def memory(self) -> Figures:
        """Many large contents at once."""
        offer = self._offer(1, results=self.sizes.at_once, size=self.sizes.large_bytes)
        run = await self.runs.archive(offer)
        self._tell("large ones at once", run, offer)
        offers.withdraw(self.runs.files, offer)
        return {"peak_mb": round(run.peak / 1e6)}

    async def latency(self) -> Figures:
        """A steady offer."""
        return {**await archive_latency.measure(self._home / "latency", self.sizes.seconds)}

    async def rows(self) -> Figures:
        """The same work on empty tables and on full ones."""
        empty = [await self._of_small_ones(afresh=True) for _ in range(self.rounds)]
        began = time.monotonic()
        await archive_rows.fill(self.runs.house, self.sizes.rows)
        print(f"  {self.sizes.rows:,} workflows written in {time.monotonic() - began:.0f} s", flush=True)
        full = [await self._of_small_ones(afresh=False) for _ in range(self.rounds)]
        self.details["ms_per_workflow"] = {"empty": empty, "full": full}
        return {"ratio_million_rows": round(statistics.median(full) / statistics.median(empty), 2)}

    async def _of_small_ones(self, *, afresh: bool) -> float:
        """Milliseconds for one workflow."""
        offer = self._offer(max(20, self.sizes.workflows // 2), results=4, size=50_000)
        run = await self.runs.archive(offer, afresh=afresh)
        self._tell("empty tables" if afresh else "full tables", run, offer)
        offers.withdraw(self.runs.files, offer)
        return run.seconds / len(offer.workflow_ids) * 1000

    def _offer(self, workflows: int, *, results: int, size: int) -> Offer:
        self._offers += 1
        name = f"offer-{self._offers}"
        return offers.make(self.runs.files, self.runs.address, name, workflows=workflows, results=results, size=size)

    async def _timed(self, fetch: Callable[[Path], None]) -> float:
        """Seconds of a baseline, into an empty directory, what came before being on the disk."""
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            await asyncio.to_thread(os.sync)
            began = time.perf_counter()
            await asyncio.to_thread(fetch, Path(directory))
            return time.perf_counter() - began

    def _bare(self, offer: Offer, directory: Path) -> None:
        command = [sys.executable, "-m", "bench.bare", self.runs.address, str(directory)]
        subprocess.run(command, input="\n".join(offer.workflow_ids), text=True, check=True, timeout=rivals.LONGEST)

    def _tell(self, name: str, run: Run, offer: Offer) -> None:
        count = len(offer.workflow_ids)
        print(
            f"  {name}: {run.seconds:.2f} s, {offer.size / run.seconds / 1e6:.0f} MB/s, {count / run.seconds:.0f} "
            f"workflows/s; for one {run.worker_cpu / count * 1000:.1f} ms of the worker's processor, "
            f"{run.postgres_cpu / count * 1000:.1f} ms of PostgreSQL's, {run.commits / count:.1f} transactions; "
            f"peak {run.peak / 1e6:.0f} MB",
            flush=True,
        )


SECTIONS: dict[str, Callable[[Bench], Awaitable[Figures]]] = {
    "downloads": Bench.downloads,
    "workflows": Bench.workflows,
    "memory": Bench.memory,
    "latency": Bench.latency,
    "rows": Bench.rows,
}


async def measure(home: Path, sections: list[str], sizes: Sizes, rounds: int) -> tuple[Figures, dict[str, Any]]:
    """The figures of these sections, and what else was measured."""
    files = home / "files"
    files.mkdir()
    figures: Figures = {}
    async with AsyncExitStack() as stack:
        address = stack.enter_context(nginx.serving(files, home))
        # Nothing there asks for a token, or for patience.
        standing = house.standing(home / "house", api_url=address, token="any", API_CALLS_PER_SECOND="100000")  # noqa: S106
        runs = Runs(await stack.enter_async_context(standing), files, address)
        bench = Bench(runs, home, sizes, rounds)
        for section in sections:
            print(f"{section}, load {os.getloadavg()[0]:.1f}:", flush=True)
            figures |= await SECTIONS[section](bench)
    return figures, bench.details


def main() -> int:
    """Run the sections and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--quick", action="store_true", help="a trial: little of everything, and nothing kept")
    arguments = parser.parse_args()
    if not nginx.is_installed():
        print(nginx.MISSING)
        return 1
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sizes, rounds = (QUICK, 1) if arguments.quick else (Sizes(), arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="bench-archive-") as home:
        figures, details = asyncio.run(measure(Path(home), arguments.only.split(","), sizes, rounds))
    record.write("archive", figures, keep=not arguments.quick, **details)
    return 0


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Of the medians of the pairs."""
    return round(statistics.median(one / other for one, other in zip(ours, theirs, strict=True)), 2)


if __name__ == "__main__":
    sys.exit(main())
