"""One measured run of the archive over an offer: from the bell to the last workflow archived."""

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from archive import queue, tables
from bench import offers
from bench.house import House
from bench.offers import Offer

GLANCE = 0.02
LONGEST = 300.0  # seconds for one run
SETTLING = 1.5  # seconds between the warm-up and what is measured
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What one run took. cpu: seconds of processor, of the workers and of PostgreSQL. peak: bytes, of one worker."""

    seconds: float
    peak: int
    worker_cpu: float
    postgres_cpu: float
    commits: int


class Runs:
    """Runs on one house, whose workers ask the web server at `address`, which hands out `files`."""

    def __init__(self, house: House, files: Path, address: str) -> None:
        self.house, self.files, self.address = house, files, address
        self._warm_ups = 0

    async def archive(self, offer: Offer, *, workers: int = 1, afresh: bool = True) -> Run:
        """Have new workers archive the offer. Unless told otherwise, tables and storage are empty before."""
        if afresh:
            await self._empty()
        async with AsyncExitStack() as stack:
            processes = [await stack.enter_async_context(self.house.worker(f"w{number}")) for number in range(workers)]
            await self._warm_up(workers)
            pids = [process.pid for process in processes]
            await asyncio.to_thread(os.sync)
            before = await self._spent(pids)
            began = time.perf_counter()
            await self._archived(offer)
            seconds = time.perf_counter() - began
            after = await self._spent(pids)
            worker_cpu, postgres_cpu, commits = (end - start for end, start in zip(after, before, strict=True))
            return Run(seconds, max(map(_peak, pids)), worker_cpu, postgres_cpu, int(commits))

    async def _archived(self, offer: Offer) -> None:
        await self.house.make_due(offer.workflow_ids)
        await self.house.ring(offer.workflow_ids)
        async with asyncio.timeout(LONGEST), self.house.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            # By the index of what is due, so that looking costs nothing.
            query = text("SELECT EXISTS (SELECT FROM workflows WHERE due_at IS NOT NULL AND archived_at IS NULL)")
            while True:
                if not (await connection.execute(query)).scalar_one():
                    return
                await asyncio.sleep(GLANCE)

    async def _warm_up(self, workers: int) -> None:
        """So that every worker has its connections, and nothing is imported or planned for the first time."""
        self._warm_ups += 1
        name = f"warm-up-{self._warm_ups}"
        offer = offers.make(self.files, self.address, name, workflows=20 * workers, results=2, size=10_000)
        await self._archived(offer)
        await asyncio.sleep(SETTLING)
        offers.withdraw(self.files, offer)

    async def _empty(self) -> None:
        names = ", ".join(table.name for table in tables.metadata.sorted_tables)
        async with self.house.engine.begin() as connection:
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
        await asyncio.to_thread(shutil.rmtree, self.house.storage, ignore_errors=True)
        async with queue.client(self.house.addresses.redis_url) as redis:
            await redis.flushall()

    async def _spent(self, pids: Sequence[int]) -> tuple[float, float, float]:
        query = text("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        async with self.house.engine.connect() as connection:
            commits = float((await connection.execute(query)).scalar_one())
        postmaster = self.house.supervisor.postgres.pid or 0
        return sum(map(_cpu, pids)), _cpu(postmaster) + sum(map(_cpu, _children(postmaster))), commits


def _cpu(pid: int) -> float:
    """Seconds of processor that a process has used, and the children that it has seen the end of."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0  # it has ended; its parent counts it now
    return sum(map(int, fields[11:15])) / TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _peak(pid: int) -> int:
    """The most memory that a process has had resident (bytes)."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
