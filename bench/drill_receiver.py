"""Kill the receiver and PostgreSQL under load: `python -m bench.drill_receiver` (make drill-receiver).

25 rounds end with kill -9 of the receiver and 5 with kill -9 of PostgreSQL, at moments that the seed decides, while
senders deliver events, some of them twice. The sender notes what was acknowledged. At the end everything acknowledged
has to be in the table exactly once, delivered at least as often as it was acknowledged.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from sqlalchemy import text

from archive import database
from bench import house, receivers, record
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade

RECEIVER_KILLS, POSTGRES_KILLS = 25, 5
SENDERS = 16
ROUND_SECONDS = (0.3, 1.5)
SECRET = "secret-of-the-drill"  # noqa: S105 - nobody's


def main() -> int:
    """Run the rounds and print the figures; 1 when something acknowledged is missing or there twice."""
    parser = argparse.ArgumentParser(prog="python -m bench.drill_receiver")
    parser.add_argument("--seed", type=int, default=20261122)
    seed = parser.parse_args().seed
    with tempfile.TemporaryDirectory(prefix="drill-receiver-") as home:
        supervisor = Supervisor(Path(home) / "home")
        with supervisor as addresses:
            upgrade(addresses.database_url)
            drill = Drill(Path(home), supervisor, addresses, random.Random(seed))
            figures = asyncio.run(drill.run())
    record.write("drill-receiver", figures, seed=seed)
    return 0 if figures["missing"] == figures["doubled"] == figures["undercounted"] == 0 else 1


class Drill:
    """One receiver after the other on one port, and senders who never cease."""

    def __init__(self, home: Path, supervisor: Supervisor, addresses: Addresses, dice: random.Random) -> None:
        self._home = home
        self._supervisor = supervisor
        self._addresses = addresses
        self._dice = dice
        self._acknowledged: collections.Counter[tuple[str, str]] = collections.Counter()
        self._sent = 0
        self._port = house.free_port()
        self._environment = receivers.environment(home, addresses, f"drill:{SECRET}")

    async def run(self) -> dict[str, int]:
        """All rounds in an order that the seed decides, and the reckoning."""
        victims = ["receiver"] * RECEIVER_KILLS + ["PostgreSQL"] * POSTGRES_KILLS
        self._dice.shuffle(victims)
        receiver = self._start()
        async with self._sending():
            for number, victim in enumerate(victims):
                await self._answers()
                await asyncio.sleep(self._dice.uniform(*ROUND_SECONDS))
                if victim == "receiver":
                    receiver.send_signal(signal.SIGKILL)
                    receiver.wait()
                    receiver = self._start()
                else:
                    await asyncio.to_thread(self._supervisor.postgres.kill)
                    await asyncio.sleep(self._dice.uniform(0.0, 1.5))
                    await asyncio.to_thread(self._supervisor.postgres.start)
                told = f"{sum(self._acknowledged.values())} acknowledged"
                print(f"round {number + 1:2}: killed the {victim}; {told}", flush=True)
        await self._answers()
        await self._spool_is_empty()
        receiver.send_signal(signal.SIGTERM)
        receiver.wait(30)
        return await self._reckoning(len(victims))

    def _start(self) -> subprocess.Popen[bytes]:
        return receivers.start(self._port, self._environment, self._home / "receiver.log")

    @contextlib.asynccontextmanager
    async def _sending(self) -> AsyncIterator[None]:
        senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]
        yield
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)

    async def _send(self) -> None:
        """Deliver one event after the other, some of them again; note what is acknowledged."""
        last: tuple[str, str] | None = None
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=20, trust_env=False) as http:
            while True:
                if last is None or self._dice.random() < 0.9:
                    self._sent += 1
                    last = (f"wf{self._sent // 3:07}", f"status-{self._sent}")
                body = {"$type": "workflow", "workflowId": last[0], "status": last[1], "filler": "x" * 500}
                try:
                    answer = await http.post(f"/callbacks?token={SECRET}", content=json.dumps(body))
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code == 202:
                    self._acknowledged[last] += 1

    async def _answers(self) -> None:
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient(trust_env=False) as http:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(f"http://127.0.0.1:{self._port}/ready")).is_success:
                        return
                await asyncio.sleep(0.05)
        raise SystemExit("the receiver does not answer")

    async def _spool_is_empty(self) -> None:
        deadline = time.monotonic() + 60
        while list((self._home / "receiver" / "spool").iterdir()):
            if time.monotonic() > deadline:
                raise SystemExit("the spool is not replayed")
            await asyncio.sleep(0.2)

    async def _reckoning(self, rounds: int) -> dict[str, int]:
        query = "SELECT workflow_id, status, count(*), sum(deliveries) FROM events GROUP BY 1, 2"
        async with database.connect_once(self._addresses.database_url, application_name="drill") as connection:
            stored = {(row[0], row[1]): (row[2], row[3]) for row in await connection.execute(text(query))}
        return {
            "rounds": rounds,
            "acknowledged": sum(self._acknowledged.values()),
            "stored": len(stored),
            "missing": sum(event not in stored for event in self._acknowledged),
            "doubled": sum(count > 1 for count, _ in stored.values()),
            "undercounted": sum(
                stored[event][1] < count for event, count in self._acknowledged.items() if event in stored
            ),
        }


if __name__ == "__main__":
    sys.exit(main())
