"""How fast events are taken: `python -m bench.ingest` (make bench-ingest).

One receiver process, 64 connections, durable commits, against an empty handler and a plain one in the same run; the
three take turns, and the medians count. Then the time to an acknowledgement at 1,000 events a second offered, and the
receiver's speed with 10 million events in the table. Everything is on loopback and bounded in time. Load comes from
wrk, which has to be there (apt-get install wrk); at a set pace from bench.ingest_load.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from archive import database
from bench import house, ingest_bodies, receivers, record
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade

CONNECTIONS = 64
PER_SECOND = 1000
SECRET = "secret-of-the-bench"  # noqa: S105 - nobody's
KINDS = ("noop", "naive", "receiver")
FILL_SECONDS = 1800


def main() -> int:
    """Run it all and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000_000, help="in events for the last measurement; 0: leave out")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("This bench needs wrk, which is not installed: apt-get install wrk brings it.")
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as home, Supervisor(Path(home) / "home") as addresses:
        upgrade(addresses.database_url)
        bench = Bench(Path(home), addresses, arguments.seconds)
        rates = bench.in_turns(arguments.rounds)
        pace = bench.at_a_pace()
        many = bench.with_rows(arguments.rows, arguments.rounds) if arguments.rows else {}
    medians = {kind: statistics.median(rates[kind]) for kind in KINDS}
    figures = {
        "noop_per_s": round(medians["noop"]),
        "naive_per_s": round(medians["naive"]),
        "acked_per_s": round(medians["receiver"]),
        "ratio_noop": round(medians["receiver"] / medians["noop"], 3),
        "ratio_naive": round(medians["receiver"] / medians["naive"], 3),
        "p99_ms_at_1000": pace["p99_ms"],
        **many,
    }
    record.write(
        "ingest",
        figures,
        body_bytes=len(ingest_bodies.body(0, "x")),
        rates={kind: [round(rate) for rate in rates[kind]] for kind in KINDS},
        pace=pace,
    )
    return 0


class Bench:
    """The servers that are measured, each a process of its own on the same PostgreSQL and Valkey."""

    def __init__(self, home: Path, addresses: Addresses, seconds: int) -> None:
        self._home = home
        self._addresses = addresses
        self._seconds = seconds
        self._runs = 0
        self._bodies = home / "bodies"
        self._bodies.write_text("".join(f"{body}\n" for body in ingest_bodies.bodies()))

    def in_turns(self, rounds: int) -> dict[str, list[float]]:
        """Requests a second of each kind, round by round, on tables that begin empty."""
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(rounds):
            for kind in KINDS:
                self._sql("TRUNCATE events, workflows CASCADE")
                rates[kind].append(self._rate(kind))
                print(f"round {number + 1}: {kind:8} {rates[kind][-1]:8,.0f}/s", flush=True)
        return rates

    def at_a_pace(self) -> dict[str, float]:
        """Milliseconds to the acknowledgement at PER_SECOND events a second."""
        with self.serving("receiver") as (url, _):
            command = [sys.executable, "-m", "bench.ingest_load", url, self._run(), str(PER_SECOND)]
            command += [str(self._seconds * 2), str(CONNECTIONS)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        pace: dict[str, float] = json.loads(done.stdout)
        print(f"at {PER_SECOND:,}/s: {pace}", flush=True)
        return pace

    def with_rows(self, rows: int, rounds: int) -> dict[str, float]:
        """The receiver's speed with this many events in the table, compared with an empty one just before."""
        self._sql("TRUNCATE events, workflows CASCADE")
        empty = [self._rate("receiver") for _ in range(rounds)]
        self._sql("TRUNCATE events, workflows CASCADE")
        began = time.monotonic()
        self._sql(*_fill(rows))
        print(f"{rows:,} events written in {time.monotonic() - began:.0f} s", flush=True)
        full = [self._rate("receiver") for _ in range(rounds)]
        print(f"empty {[round(rate) for rate in empty]}/s, with {rows:,} rows {[round(rate) for rate in full]}/s")
        ratio = round(statistics.median(full) / statistics.median(empty), 3)
        return {"ratio_10m_rows" if rows == 10_000_000 else f"ratio_{rows}_rows": ratio}

    def _rate(self, kind: str) -> float:
        with self.serving(kind) as (url, _):
            self.wrk(url, 1)
            return self.wrk(url, self._seconds)

    def wrk(self, url: str, seconds: int) -> float:
        """Load from CONNECTIONS connections; requests acknowledged a second."""
        host, path = url.split("/callbacks", 1)
        told = {"INGEST_BODIES": str(self._bodies), "INGEST_RUN": self._run(), "INGEST_PATH": f"/callbacks{path}"}
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(Path(__file__).with_suffix(".lua")),
            host,
        ]
        done = subprocess.run(
            command, env={**os.environ, **told}, capture_output=True, text=True, check=True, timeout=seconds + 60
        )
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("JSON ")]
        told_by_wrk: dict[str, Any] = json.loads(line.removeprefix("JSON "))
        if told_by_wrk["refused"] or told_by_wrk["broken"]:
            print(f"  not all were acknowledged: {told_by_wrk}")
        acknowledged = told_by_wrk["requests"] - told_by_wrk["refused"]
        return float(acknowledged / told_by_wrk["microseconds"] * 1e6)

    @contextmanager
    def serving(self, kind: str) -> Iterator[tuple[str, int]]:
        """Have a server of this kind run: its address and its process id."""
        port, environment = house.free_port(), receivers.environment(self._home, self._addresses, f"bench:{SECRET}")
        others = (sys.executable, "-m", "bench.ingest_servers", kind)
        command = [*(receivers.COMMAND if kind == "receiver" else others), str(port)]
        log = (self._home / f"{kind}.log").open("ab")
        with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
            try:
                _await(f"http://127.0.0.1:{port}/health", process)
                yield f"http://127.0.0.1:{port}/callbacks?token={SECRET}", process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)

    def _run(self) -> str:
        """A beginning for workflow ids that sort by time, as Civitai's do."""
        self._runs += 1
        return f"8484131-20261122{self._runs:09}"

    def _sql(self, *statements: str) -> None:
        async def run() -> None:
            engine = database.create_engine(self._addresses.database_url, application_name="bench", pool_size=1)
            async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                for statement in (f"SET statement_timeout = '{FILL_SECONDS}s'", *statements):
                    await connection.execute(text(statement))
            await engine.dispose()

        asyncio.run(run())


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=2, trust_env=False)  # the two it is compared with answer 404, and that will do
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{process.args!r} does not serve")


def _fill(rows: int) -> list[str]:
    """Ten events a workflow of a few hundred bytes each, with digests as scattered as real ones."""
    constraint = "uq_events_workflow_id_digest"
    return [
        f"ALTER TABLE events DROP CONSTRAINT {constraint}",
        f"""
        INSERT INTO events (workflow_id, digest, scope, status, occurred_at, source, parameters, body, projection,
                            first_received_at, last_received_at, deliveries)
        SELECT '8484131-20260101' || lpad((n / 10)::text, 9, '0'), sha256(n::text::bytea), 'workflow', 'processing',
               now(), 'bench', '{{}}', convert_to(body, 'UTF8'), body::jsonb, now(), now(), 1
        FROM generate_series(1, {rows}) AS n,
             LATERAL (SELECT '{{"workflowId": "8484131-20260101' || lpad((n / 10)::text, 9, '0') || '", "n": ' || n
                             || ', "status": "processing", "$type": "workflow"}}') AS told (body)
        """,  # noqa: S608 - a number of ours
        f"ALTER TABLE events ADD CONSTRAINT {constraint} UNIQUE (workflow_id, digest)",
        f"""
        INSERT INTO workflows (id, origin, heard_at, told_status, due_at, deadline_at)
        SELECT '8484131-20260101' || lpad(n::text, 9, '0'), 'callback', now(), 'processing', NULL, now()
        FROM generate_series(1, {rows} / 10) AS n
        """,  # noqa: S608
        # As autovacuum leaves a table that has grown over months, and not in the midst of what we measure.
        "VACUUM (ANALYZE) events, workflows",
        "CHECKPOINT",
    ]


if __name__ == "__main__":
    sys.exit(main())
