"""100,000 generated bodies: `python -m bench.drill_bodies` (make drill-bodies).

Every body is delivered with the right secret, most of them broken in some way; the seed decides how. No answer may be a
5xx, the process must be the same one at the end, and whatever was acknowledged must be in events or in quarantine.
"""

import argparse
import asyncio
import collections
import gzip
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import uvloop
from sqlalchemy import text

from archive import database, events
from bench import house, receivers, record
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade

BODIES = 100_000
SENDERS = 32
SECRET = "secret-of-the-drill"  # noqa: S105 - nobody's
SOURCE = "drill"

STRINGS = (
    "wf", "", "\x00", "\ud800", "\U0001f600", "../../etc/passwd", "'; DROP TABLE events; --", "%00", "a\nb", "\x1b[2J",
    "\ufeff", "x" * 512, "x" * 513, "ü" * 257, "x" * 10_000, SECRET, "\u202e", "NaN", "2026-11-22T05:00:00.1234567Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "succeeded", "processing", "workflow", "step", "job",
)  # fmt: skip
NUMBERS = ("1e400", "-1e400", "9" * 60, "9" * 5000, "1e-400", "-0", "0.1", "1" + "0" * 400 + ".5", "1E+309")
FIELDS = (
    "workflowId",
    "$type",
    "status",
    "timestamp",
    "name",
    "stepName",
    "jobId",
    "reason",
    "blockedReason",
    "details",
)


class Bodies:
    """Bodies from the dice: events, events with something wrong in them, and noise."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def next(self) -> bytes:
        """One more."""
        body = self._event()
        for _ in range(self._dice.choice((0, 0, 1, 1, 2))):
            body = self._dice.choice(self._harms)(body)
        return body

    @property
    def _harms(self) -> list[Any]:
        return [
            lambda body: body[: self._dice.randrange(len(body) + 1)],
            lambda body: body + self._dice.choice((b"\x00", b"{}", b",", b" ", b"\xff", body)),
            lambda body: b"\xef\xbb\xbf" + body,
            lambda _: self._dice.randbytes(self._dice.randrange(300)),
            lambda body: body.replace(b'"', b"'"),
            lambda body: body.decode(errors="replace").encode("utf-16"),
            lambda body: gzip.compress(body),
            lambda body: b"[" * (depth := self._dice.choice((10, 900, 10_000))) + body + b"]" * depth,
            lambda _: b'{"workflowId":"deep","x":' + b"[" * (depth := self._dice.randrange(990)) + b"]" * depth + b"}",
            self._flip,
        ]

    def _flip(self, body: bytes) -> bytes:
        flipped = bytearray(body or b"x")
        flipped[self._dice.randrange(len(flipped))] = self._dice.randrange(256)
        return bytes(flipped)

    def _event(self) -> bytes:
        fields = [("workflowId", json.dumps(f"wf-{self._dice.randrange(5000)}"))]
        for _ in range(self._dice.randrange(8)):
            fields.append((self._dice.choice((*FIELDS, *STRINGS)), self._value(2)))
        self._dice.shuffle(fields)
        return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields) + "}").encode()

    def _value(self, depth: int) -> str:
        kind = self._dice.randrange(10 if depth else 8)
        if kind < 5:
            return (
                json.dumps(self._dice.choice(STRINGS), ensure_ascii=self._dice.random() < 0.5)
                .encode(errors="replace")
                .decode()
            )
        if kind < 7:
            return self._dice.choice(NUMBERS)
        if kind == 7:
            return self._dice.choice(("null", "true", "{}", "[]", "NaN", "-Infinity"))
        values = [self._value(depth - 1) for _ in range(self._dice.randrange(4))]
        if kind == 8:
            return "[" + ",".join(values) + "]"
        return "{" + ",".join(f"{json.dumps(self._dice.choice(STRINGS))}:{value}" for value in values) + "}"


def main() -> int:
    """Deliver them all and print the figures; 1 when one is missing or an answer was a 5xx."""
    parser = argparse.ArgumentParser(prog="python -m bench.drill_bodies")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--bodies", type=int, default=BODIES)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drill-bodies-") as home, Supervisor(Path(home) / "home") as addresses:
        upgrade(addresses.database_url)
        figures = uvloop.run(_run(Path(home), addresses, arguments))
    record.write("drill-bodies", figures, seed=arguments.seed, seconds=round(time.monotonic() - began))
    return 1 if figures["missing"] or figures["server_errors"] or figures["restarts"] else 0


async def _run(home: Path, addresses: Addresses, arguments: argparse.Namespace) -> dict[str, int]:
    bodies = Bodies(random.Random(arguments.seed))
    answers: collections.Counter[int] = collections.Counter()
    acknowledged: set[bytes] = set()
    left = iter(range(arguments.bodies))

    async def send(http: httpx.AsyncClient) -> None:
        for _ in left:
            body = bodies.next()
            answer = await http.post(f"/callbacks?token={SECRET}", content=body)
            answers[answer.status_code] += 1
            if (
                answer.status_code == 202 and b"\\u" not in body
            ):  # an escape may hide the secret; see receiver.callbacks
                acknowledged.add(events.content_digest(SOURCE, {}, body.replace(SECRET.encode(), b"***")))

    port, environment = house.free_port(), receivers.environment(home, addresses, f"{SOURCE}:{SECRET}")
    process = receivers.start(port, environment, home / "log")
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=30, transport=httpx.AsyncHTTPTransport(retries=50), trust_env=False
    ) as http:
        while process.poll() is None:
            try:
                await http.get("/ready")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        await asyncio.gather(*(send(http) for _ in range(SENDERS)))
    restarts = int(process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    async with database.connect_once(addresses.database_url, application_name="drill") as connection:
        query = "SELECT digest FROM events UNION ALL SELECT digest FROM quarantine"
        stored = {bytes(row[0]) for row in await connection.execute(text(query))}
        deliveries = "SELECT (SELECT sum(deliveries) FROM events), (SELECT sum(deliveries) FROM quarantine)"
        in_events, in_quarantine = (await connection.execute(text(deliveries))).one()
    told = (home / "log").read_text()
    return {
        "bodies": arguments.bodies,
        "acknowledged": answers[202],
        "in_events": int(in_events),
        "in_quarantine": int(in_quarantine),
        "missing": len(acknowledged - stored) + max(0, answers[202] - int(in_events) - int(in_quarantine)),
        "server_errors": sum(count for status, count in answers.items() if status >= 500),
        "restarts": restarts,
        "secrets_in_log": told.count(SECRET),
    }


if __name__ == "__main__":
    sys.exit(main())
