"""How fast content comes in: the blob client and other ways, against curl and aria2c.

    python -m bench.downloads [--rounds 3] [--only blob_client,aria2c]

500 files of 1 MB and 2 of 300 MB from an nginx on loopback, 16 at once. Ours are hashed (SHA-256), written and
synced; what curl and aria2c fetch is neither hashed nor synced. Every round runs all, in an order of its own, and
the median counts. The last line is JSON: MB/s and seconds of processor per GB by name (the server's not counted), and
the blob client's ratios. Needs nginx; other tools that are missing are left out.
"""

import argparse
import asyncio
import hashlib
import importlib.util
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvloop

from bench import nginx, rivals, transports

SMALL, LARGE = (500, 1_000_000), (2, 300_000_000)  # files, bytes each

_NEEDS = {"httpx_aiohttp": "httpx_aiohttp", "pyreqwest": "pyreqwest"}

Run = Callable[[Sequence[str], Path], None]


def main() -> int:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.downloads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    arguments = parser.parse_args()
    if not nginx.is_installed():
        print(nginx.MISSING)
        return 1
    runs = dict(_runs(set(filter(None, arguments.only.split(",")))))
    rates: dict[str, list[float]] = {name: [] for name in runs}
    costs: dict[str, list[float]] = {name: [] for name in runs}
    with tempfile.TemporaryDirectory(prefix="bench-downloads-") as directory:
        home = Path(directory)
        _make_files(home / "files")
        with nginx.serving(home / "files", home) as address:
            urls = [f"{address}/{file.name}" for file in sorted((home / "files").iterdir())]
            for turn in range(arguments.rounds):
                for name in random.Random(turn).sample(list(runs), len(runs)):
                    rate, cost = _measured(runs[name], urls, home)
                    rates[name].append(rate)
                    costs[name].append(cost)
                    print(f"round {turn + 1}  {name:32} {rate:6.0f} MB/s {cost:6.2f} CPU s/GB", flush=True)
    print(json.dumps(_figures(_medians(rates), _medians(costs))))
    return 0


def _runs(only: set[str]) -> Iterator[tuple[str, Run]]:
    everything: dict[str, Run] = dict(rivals.installed())
    for name, transport in transports.TRANSPORTS.items():
        everything[name] = _ours(transport, uvloop.new_event_loop)
    everything["blob_client_without_uvloop"] = _ours(transports.blob_client, asyncio.new_event_loop)
    everything["blob_client_hashing_on_the_loop"] = _ours(
        transports.blob_client, uvloop.new_event_loop, in_threads=False
    )
    for name, run in everything.items():
        if only and name not in only:
            continue
        if name in _NEEDS and importlib.util.find_spec(_NEEDS[name]) is None:
            print(f"{name} is not installed here and is left out.")
            continue
        yield name, run


def _medians(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(measured) for name, measured in values.items()}


def _figures(rates: dict[str, float], costs: dict[str, float]) -> dict[str, float]:
    figures = {f"mb_per_s_{name}": round(rate, 1) for name, rate in rates.items()}
    figures |= {f"cpu_s_per_gb_{name}": round(cost, 2) for name, cost in costs.items()}
    ours = rates.get("blob_client")
    for tool in ("aria2c", "curl"):
        if ours and tool in rates:
            figures[f"ratio_{tool}"] = round(ours / rates[tool], 2)
    return figures


def _measured(run: Run, urls: list[str], home: Path) -> tuple[float, float]:
    """MB/s, and processor seconds per GB, of one run into an empty directory, what came before being on the disk."""
    size = SMALL[0] * SMALL[1] + LARGE[0] * LARGE[1]
    with tempfile.TemporaryDirectory(dir=home) as directory:
        os.sync()
        began, spent = time.perf_counter(), sum(os.times()[:4])
        run(urls, Path(directory))
        seconds, cost = time.perf_counter() - began, sum(os.times()[:4]) - spent
    return size / seconds / 1e6, cost / size * 1e9


def _ours(
    transport: transports.Transport, loop: Callable[[], asyncio.AbstractEventLoop], *, in_threads: bool = True
) -> Run:
    async def download(urls: Sequence[str], directory: Path) -> None:
        slots = asyncio.Semaphore(rivals.AT_ONCE)
        async with asyncio.timeout(rivals.LONGEST), transport() as fetch, asyncio.TaskGroup() as group:
            for url in urls:
                await slots.acquire()
                task = group.create_task(_keep(fetch, url, directory / url.rpartition("/")[2], in_threads=in_threads))
                task.add_done_callback(lambda _: slots.release())

    def run(urls: Sequence[str], directory: Path) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(download(urls, directory))

    return run


async def _keep(fetch: transports.Fetch, url: str, path: Path, *, in_threads: bool) -> None:
    """Write, hash and sync, as the storage does."""
    digest = hashlib.sha256()
    with path.open("wb", buffering=0) as file:

        def take(chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        async for chunk in fetch(url):
            if in_threads and len(chunk) >= 1 << 16:
                await asyncio.to_thread(take, chunk)
            else:
                take(chunk)
        await asyncio.to_thread(os.fsync, file.fileno())


def _make_files(directory: Path) -> None:
    directory.mkdir()
    chance = random.Random(1)
    for files, size in (SMALL, LARGE):
        for number in range(files):
            with (directory / f"{size}-{number}").open("wb") as file:
                for _ in range(0, size, SMALL[1]):
                    file.write(chance.randbytes(SMALL[1]))


if __name__ == "__main__":
    sys.exit(main())
