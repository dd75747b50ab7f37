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
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench import transports

AT_ONCE = 16
SMALL, LARGE = (500, 1_000_000), (2, 300_000_000)  # files, bytes each
LONGEST = 180  # seconds for one run

_NGINX = """daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
  uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  server {{ listen 127.0.0.1:{port} backlog=512; root {home}/files; }}
}}
"""
_NEEDS = {"httpx_aiohttp": "httpx_aiohttp", "pyreqwest": "pyreqwest"}

Run = Callable[[list[str], Path], None]


def main() -> int:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.downloads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    arguments = parser.parse_args()
    if shutil.which("nginx") is None:
        print("This bench serves its files with nginx, which is not installed; apt-get install nginx-light brings it.")
        return 1
    runs = dict(_runs(set(filter(None, arguments.only.split(",")))))
    rates: dict[str, list[float]] = {name: [] for name in runs}
    costs: dict[str, list[float]] = {name: [] for name in runs}
    with tempfile.TemporaryDirectory(prefix="bench-downloads-") as directory:
        home = Path(directory)
        _make_files(home / "files")
        with _nginx(home) as address:
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
    everything: dict[str, Run] = {"curl": _curl, "aria2c": _aria2c}
    for name, transport in transports.TRANSPORTS.items():
        everything[name] = _ours(transport, uvloop.new_event_loop)
    everything["blob_client_without_uvloop"] = _ours(transports.blob_client, asyncio.new_event_loop)
    everything["blob_client_hashing_on_the_loop"] = _ours(
        transports.blob_client, uvloop.new_event_loop, in_threads=False
    )
    for name, run in everything.items():
        if only and name not in only:
            continue
        if (name in ("curl", "aria2c") and shutil.which(name) is None) or (
            name in _NEEDS and importlib.util.find_spec(_NEEDS[name]) is None
        ):
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
    async def download(urls: list[str], directory: Path) -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.timeout(LONGEST), transport() as fetch, asyncio.TaskGroup() as group:
            for url in urls:
                await slots.acquire()
                task = group.create_task(_keep(fetch, url, directory / url.rpartition("/")[2], in_threads=in_threads))
                task.add_done_callback(lambda _: slots.release())

    def run(urls: list[str], directory: Path) -> None:
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


def _curl(urls: list[str], directory: Path) -> None:
    wanted = directory / "wanted"
    wanted.write_text("".join(f'url="{url}"\noutput="{directory / url.rpartition("/")[2]}"\n' for url in urls))
    command = ["curl", "--silent", "--parallel", "--parallel-max", str(AT_ONCE), "--config", str(wanted)]
    subprocess.run(command, check=True, timeout=LONGEST, stderr=subprocess.DEVNULL)


def _aria2c(urls: list[str], directory: Path) -> None:
    wanted = directory / "wanted"
    wanted.write_text("\n".join(urls))
    command = ["aria2c", "--quiet", f"-j{AT_ONCE}", "--file-allocation=none", f"-d{directory}", f"-i{wanted}"]
    subprocess.run(command, check=True, timeout=LONGEST)


def _make_files(directory: Path) -> None:
    directory.mkdir()
    chance = random.Random(1)
    for files, size in (SMALL, LARGE):
        for number in range(files):
            with (directory / f"{size}-{number}").open("wb") as file:
                for _ in range(0, size, SMALL[1]):
                    file.write(chance.randbytes(SMALL[1]))


@contextmanager
def _nginx(home: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (home / "nginx.conf").write_text(_NGINX.format(home=home, port=port))
    command = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf")]
    with subprocess.Popen(command) as server:
        try:
            for _ in range(100):
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
