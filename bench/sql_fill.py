"""Tables full of an archive's history, written with COPY: the same rows for the same seed.

What is written is some days of a busy account. The newest hour holds work that is still due, held or waiting.
"""

import hashlib
import json
import random
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

EVENTS_PER_WORKFLOW = 10
RESULTS_PER_WORKFLOW = 4

_CHUNK = 1 << 20
_WORK = (  # step type, engine, kind of content, bytes of one
    ("textToImage", None, "image", 900_000),
    ("imageGen", "flux2", "image", 1_800_000),
    ("imageGen", "gemini", "image", 1_500_000),
    ("imageGen", "openai", "image", 2_200_000),
    ("videoGen", "wan", "video", 9_000_000),
    ("videoGen", "kling", "video", 14_000_000),
    ("textToSpeech", None, "audio", 400_000),
)
_WEIGHTS = (40, 25, 10, 5, 12, 5, 3)
_TAGS = tuple(f"project-{number}" for number in range(40))
_SOURCES = ("main", "batch", "site")
_LEVELS = ("pg", "pg13", "r", "x", "xxx")
_REASONS = (
    "The worker ran out of memory.",
    "The prompt was refused by moderation.",
    "No provider took the job in time.",
    "The resource could not be downloaded.",
)
_PROVIDERS = ("Replicate", "FalAI", "Civitai", "Octo")
_ERRORS = (
    (503, "Civitai had an error of its own, try again later (fetch workflow {id}; HTTP 503)."),
    (None, "Civitai could not be reached or its answer could not be read, it will be worth another try (blob {id})."),
    (403, "The signed URL has expired, ask for a fresh one (https://blobs.example/{id}; HTTP 403)."),
)
_NOTE = "what a callback carries besides: " + "0123456789" * 8
_PROMPT = "a lighthouse at dawn, oil on canvas, long shadows, film grain, muted colours, wide angle " * 6

TABLES: dict[str, tuple[str, ...]] = {
    "workflows": (
        "id", "origin", "heard_at", "told_status", "told_at", "end_received_at", "status", "fetched_at", "tags",
        "metadata", "document", "created_at", "started_at", "completed_at", "cost", "currency", "nsfw_level",
        "last_event_id", "due_at", "leased_until", "attempts", "failures", "last_error", "deadline_at", "archived_at",
        "gone_at", "dead_at",
    ),
    "steps": (
        "workflow_id", "name", "position", "type", "engine", "status", "started_at", "completed_at", "cost", "input",
        "output",
    ),
    "jobs": (
        "workflow_id", "id", "step_name", "status", "told_status", "reason", "blocked_reason", "provider",
        "started_at", "completed_at", "document", "document_at",
    ),
    "objects": ("digest", "size", "media_type", "width", "height", "stored_at", "verified_at", "damaged_at"),
    "results": (
        "workflow_id", "step", "path", "role", "blob_id", "kind", "width", "height", "nsfw_level", "url",
        "url_expires_at", "blocked_reason", "object_digest", "attempts", "next_attempt_at", "last_error",
        "missing_at", "stored_at", "withheld_at", "gone_at", "dead_at",
    ),
    "attempts": ("workflow_id", "step", "path", "attempted_at", "seconds", "http_status", "error"),
    "drift": ("workflow_id", "step", "path", "step_type", "reason", "seen_at"),
    "events": (
        "workflow_id", "digest", "scope", "step_name", "job_id", "status", "occurred_at", "source", "parameters",
        "body", "projection", "first_received_at", "last_received_at", "deliveries",
    ),
    "quarantine": (
        "digest", "source", "parameters", "body", "reason", "first_received_at", "last_received_at", "deliveries",
    ),
    "announcements": ("day", "in_time", "late", "lost"),
    "listings": ("purpose", "tags", "pages", "listed", "reached_at", "begun_at", "moved_at", "finished_at"),
    "tombstones": ("deleted_at", "rule", "what", "workflow_id", "step", "path", "digest", "size"),
    "gateway_keys": ("name", "digest", "scopes", "calls_per_minute", "last_used_at"),
    "pauses": ("cause", "since", "until", "reason"),
    "spools": ("name", "position", "replayed_at"),
}  # fmt: skip
"""The tables, each after those that it refers to, and the columns that are written."""

Row = Sequence[Any]


async def fill(connection: AsyncConnection, *, workflows: int, days: int, seed: int = 1) -> None:
    """Write so many workflows with all that belongs to them, spread over the last `days`. Needs a superuser."""
    await connection.execute(text("SET statement_timeout = 0"))
    await connection.execute(text("SET session_replication_role = replica"))  # the rows refer to one another rightly
    history = _History(workflows, days, seed)
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - it is connected
    for table, columns in TABLES.items():
        rows = getattr(history, table)()
        await driver.copy_to_table(table, columns=columns, source=_copied(rows), format="text", timeout=3600)
    await connection.execute(text("SET session_replication_role = DEFAULT"))
    await connection.execute(
        text("INSERT INTO storage_markers (id, chosen_at, url) VALUES ('bench', now(), 's3://bench/archive')")
    )


@dataclass(frozen=True)
class _Workflow:
    """One workflow of the history: what is drawn by chance about it, the same for every table."""

    number: int
    id: str
    at: datetime
    age: timedelta
    dice: random.Random = field(repr=False)
    type: str
    engine: str | None
    kind: str
    bytes: int
    status: str
    is_open: bool
    seconds: float
    lag: float
    source: str

    @property
    def ended_at(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)

    @property
    def archived_at(self) -> datetime:
        return self.ended_at + timedelta(seconds=self.lag)


class _History:
    """Rows by table. Every table's are drawn from the same workflows."""

    def __init__(self, count: int, days: int, seed: int) -> None:
        self._count = count
        self._days = days
        self._seed = seed
        self._now = datetime.now(UTC)
        self._pace = timedelta(days=days) / count

    def _workflows(self) -> Iterator[_Workflow]:
        for number in range(self._count):
            dice = random.Random(f"{self._seed}-{number}")
            age = self._pace * (self._count - number)
            at = self._now - age
            step_type, engine, kind, size = dice.choices(_WORK, _WEIGHTS)[0]
            seconds = dice.lognormvariate(2.5, 0.8)
            is_open = age < timedelta(minutes=10) and dice.random() < 0.5
            yield _Workflow(
                number,
                f"8484131-{at:%Y%m%d}{number:09}",
                at,
                age,
                dice,
                step_type,
                engine,
                kind,
                size,
                status="processing" if is_open else "failed" if dice.random() < 0.04 else "succeeded",
                is_open=is_open,
                seconds=seconds,
                lag=dice.lognormvariate(0.5, 0.9),
                source=dice.choice(_SOURCES),
            )

    def workflows(self) -> Iterator[Row]:
        """One each; of those that ended, one in two thousand is not safe yet, the oldest among them."""
        for one in self._workflows():
            dice = one.dice
            document = {
                "id": one.id,
                "status": one.status,
                "steps": [{"$type": one.type, "name": "$0", "input": {"prompt": _PROMPT}, "seed": dice.random()}],
            }
            late = not one.is_open and one.number % 2000 == 0
            dead = not one.is_open and not late and dice.random() < 0.0001
            done = not (one.is_open or late or dead)
            yield (
                one.id, "callback" if dice.random() < 0.98 else "reconcile", one.at, one.status, one.ended_at,
                None if one.is_open or dice.random() < 0.01 else one.ended_at + timedelta(seconds=dice.random()),
                one.status, one.archived_at, dice.sample(_TAGS, dice.choice((0, 1, 1, 2))), {"run": one.number},
                document, one.at, one.at, None if one.is_open else one.ended_at, dice.randint(1, 400), "BUZZ",
                dice.choice(_LEVELS), one.number * EVENTS_PER_WORKFLOW or None,
                self._now + timedelta(seconds=dice.uniform(-30, 600)) if one.is_open or late else None,
                self._now + timedelta(seconds=10) if one.is_open and dice.random() < 0.1 else None, 2,
                3 if late else 0, _ERRORS[0][1].format(id=one.id) if late or dead else None,
                self._now + timedelta(days=2) if late else one.ended_at + timedelta(days=30),
                one.archived_at if done else None, None,
                one.archived_at if dead else None,
            )  # fmt: skip

    def steps(self) -> Iterator[Row]:
        """One each."""
        for one in self._workflows():
            yield (
                one.id, "$0", 0, one.type, one.engine, one.status, one.at, one.ended_at, None,
                {"prompt": _PROMPT, "engine": one.engine, "seed": one.number}, {"seed": one.number},
            )  # fmt: skip

    def jobs(self) -> Iterator[Row]:
        """One each, a reason for those that failed."""
        for one in self._workflows():
            failed = one.status == "failed"
            reason = one.dice.choice(_REASONS) if failed else None
            yield (
                one.id, f"job-{one.number}", "$0", one.status, one.status, reason, None, one.dice.choice(_PROVIDERS),
                one.at, one.ended_at, {"cost": 4, "lastEvent": {"type": one.status}}, one.archived_at,
            )  # fmt: skip

    def objects(self) -> Iterator[Row]:
        """One for each place of a result that is no copy, also of the few that did not come to be stored."""
        for one in self._workflows():
            for position in range(RESULTS_PER_WORKFLOW):
                if not _is_copy(one.number, position):
                    size = int(one.bytes * (0.5 + _chance(one.number, position, "size")))
                    verified_at = one.archived_at if _chance(one.number, position, "verified") < 0.5 else None
                    damaged_at = self._now if (one.number + position) % 200_000 == 0 else None
                    yield (
                        _digest(one.number, position, "object"), size, f"{one.kind}/x-bench", 1024, 1024,
                        one.archived_at, verified_at, damaged_at,
                    )  # fmt: skip

    def results(self) -> Iterator[Row]:
        """Four each, but for those that failed; one in a hundred is withheld, a few are gone or were given up."""
        for one in self._workflows():
            for position in range(RESULTS_PER_WORKFLOW):
                how = _how(one, position)
                at = one.archived_at
                source = (one.number - _is_copy(one.number, position), position)
                url = f"https://blobs.example/{one.id}/{position}?sig=bench-signature&exp=2030-01-01T00:00:00Z"
                yield (
                    one.id, "$0", f"output.images[{position}]", "result", f"blob-{source[0]}-{source[1]}", one.kind,
                    1024, 1024, one.dice.choice(_LEVELS), url, at, "blocked" if how == "withheld" else None,
                    _digest(*source, "object") if how == "stored" else None, 0 if how == "stored" else 3, at,
                    _ERRORS[2][1].format(id=position) if how in ("dead", "gone", "pending") else None,
                    at if how == "gone" else None, at if how == "stored" else None, at if how == "withheld" else None,
                    at if how == "gone" else None, at if how == "dead" else None,
                )  # fmt: skip

    def attempts(self) -> Iterator[Row]:
        """One for every fiftieth."""
        for one in self._workflows():
            if one.dice.random() < 0.02:
                status, error = one.dice.choice(_ERRORS)
                of = (None, None) if status == 503 else ("$0", "output.images[0]")
                yield one.id, *of, one.archived_at, one.dice.random(), status, error.format(id=one.id)

    def drift(self) -> Iterator[Row]:
        """One for every thousandth."""
        for one in self._workflows():
            if one.dice.random() < 0.001:
                yield one.id, "$0", "output.latents[3]", one.type, "it names neither a URL nor an id", one.archived_at

    def events(self) -> Iterator[Row]:
        """Ten each: of the workflow, its step and its job; some told twice, plainly and in detail."""
        for one in self._workflows():
            moments = [one.at, one.at, one.at, one.ended_at]
            told: list[tuple[str, str, datetime]] = [
                *zip(("workflow",) * 4, ("preparing", "scheduled", "processing", one.status), moments, strict=True),
                ("step", "processing", one.at),
                ("step", one.status, one.ended_at),
                ("job", "scheduled", one.at),
                ("job", "processing", one.at),
                ("job", one.status, one.ended_at),
                ("workflow", one.status, one.ended_at) if one.number % 10 == 0 else ("job", "preparing", one.at),
            ]
            for number, (scope, status, at) in enumerate(told):
                delay = one.dice.lognormvariate(-1.5, 0.8)
                received_at = at + timedelta(seconds=delay)
                body = (
                    f'{{"$type": "{scope}", "workflowId": "{one.id}", "status": "{status}", "n": {number}, '
                    f'"details": {{"metadata": {{"run": {one.number}}}, "note": "{_NOTE}"}}}}'
                )
                yield (
                    one.id, _digest(one.number, number, "event"), scope, None if scope == "workflow" else "$0",
                    f"job-{one.number}" if scope == "job" else None, status, at if scope == "workflow" else None,
                    one.source, "{}", body.encode(), body, received_at, received_at,
                    2 if one.dice.random() < 0.01 else 1,
                )  # fmt: skip

    def announcements(self) -> Iterator[Row]:
        """One a day."""
        for day in range(self._days):
            yield self._now.date() - timedelta(days=day), 990, 8, 2

    def listings(self) -> Iterator[Row]:
        """The last ones of a day."""
        for number in range(288):
            at = self._now - timedelta(minutes=5 * number)
            yield "reconcile", [], 1, 20, at, at, at, at

    def tombstones(self) -> Iterator[Row]:
        """One, of what is not in the other tables."""
        place = ("8484131-20200101000000000", "$0", "output.images[0]")
        yield self._now, "older than a year", "result", *place, _digest(0, 0, "pruned"), 900_000

    def gateway_keys(self) -> Iterator[Row]:
        """One."""
        yield "site", _digest(0, 0, "key"), ["read"], 600, self._now

    def pauses(self) -> Iterator[Row]:
        """One, which is over."""
        yield "rate", self._now - timedelta(hours=2), self._now - timedelta(hours=1), "HTTP 429"

    def spools(self) -> Iterator[Row]:
        """One, which is being replayed."""
        yield "1-a", 4096, self._now

    def quarantine(self) -> Iterator[Row]:
        """One for every ten thousandth, and one at least."""
        for one in self._workflows():
            if one.number % 10_000 == 0:
                digest = _digest(one.number, 0, "quarantine")
                yield digest, one.source, {}, b'{"no": "event"}', "it has no workflowId", one.at, one.at, 1


def _how(one: _Workflow, position: int) -> str:
    if one.is_open:
        return "pending"
    chance = _chance(one.number, position, "how")
    if one.status == "failed":
        return "gone" if chance < 0.5 else "withheld"
    return "withheld" if chance < 0.01 else "gone" if chance < 0.012 else "dead" if chance < 0.0125 else "stored"


def _is_copy(number: int, position: int) -> bool:
    """Whether this content was there already, in the same place of the workflow before: one result in eight."""
    return position == RESULTS_PER_WORKFLOW - 1 and number % 2 == 1


def _chance(number: int, position: int, of: str) -> float:
    """A number from 0 to 1 that is always the same for the same arguments."""
    return zlib.crc32(f"{of} {number} {position}".encode()) / 2**32


def _digest(number: int, position: int, of: str) -> bytes:
    return hashlib.sha256(f"{of} {number} {position}".encode()).digest()


async def _copied(rows: Iterator[Row]) -> AsyncIterator[bytes]:
    """The rows in COPY's text format, in pieces of about a mebibyte."""
    lines: list[str] = []
    size = 0
    for row in rows:
        line = "\t".join(map(_field, row))
        lines.append(line)
        size += len(line)
        if size > _CHUNK:
            yield ("\n".join(lines) + "\n").encode()
            lines.clear()
            size = 0
    if lines:
        yield ("\n".join(lines) + "\n").encode()


def _field(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case str() | int() | float():
            return str(value)
        case date():
            return value.isoformat()
        case bytes():
            return "\\\\x" + value.hex()
        case list():
            return "{" + ",".join(value) + "}"
        case _:
            return json.dumps(value)
