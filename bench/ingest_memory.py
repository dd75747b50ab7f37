"""Whether the receiver's memory stays flat: `python -m bench.ingest_memory` (ten minutes at full load).

Prints the resident memory of the process every half minute, and last how much more it was at the end than after the
first fifth, when its pools and caches are full.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import record
from bench.ingest import Bench
from embedded.supervisor import Supervisor
from migrations.upgrade import upgrade

EVERY_SECONDS = 30
GROWTH_AT_MOST = 0.1


def main() -> int:
    """Run it and print the figures; 1 when it has grown by more than a tenth."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest_memory")
    parser.add_argument("--minutes", type=float, default=10)
    seconds = round(parser.parse_args().minutes * 60)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as home, Supervisor(Path(home) / "home") as addresses:
        upgrade(addresses.database_url)
        bench = Bench(Path(home), addresses, seconds)
        with bench.serving("receiver") as (url, pid):
            samples: list[float] = []
            threading.Thread(target=_sample, args=(pid, samples, seconds), daemon=True).start()
            rate = bench.wrk(url, seconds)
            settled, last = samples[len(samples) // 5], samples[-1]
    figures = {
        "acked_per_s": round(rate),
        "megabytes_settled": settled,
        "megabytes_at_the_end": last,
        "growth": round(last / settled - 1, 3),
    }
    record.write("ingest-memory", figures, seconds=seconds, megabytes=samples)
    return 1 if last > settled * (1 + GROWTH_AT_MOST) else 0


def _sample(pid: int, samples: list[float], seconds: int) -> None:
    pages = Path(f"/proc/{pid}/statm")
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        samples.append(round(int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1))
        print(f"{samples[-1]} MB", flush=True)
        time.sleep(min(EVERY_SECONDS, seconds / 10))


if __name__ == "__main__":
    sys.exit(main())
