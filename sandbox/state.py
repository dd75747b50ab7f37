"""Everything the stand-in knows, in memory: workflows, steps, jobs, blobs, and the requests it saw.

Both origins share one `State`, and tests in the same event loop may read it directly.
"""

import asyncio
import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox import clock, content, scenario

TERMINAL = frozenset(scenario.OUTCOMES)
_BLOB_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(eq=False)
class Job:
    """One run of a step on a machine. Why it failed is told in its callback alone, never in a document."""

    id: str
    status: str = "unassigned"
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(eq=False)
class Step:
    """One step; `output` is a tree of plain JSON with blobs in it, which `sandbox.documents` renders."""

    type: str
    name: str
    input: dict[str, Any]
    metadata: dict[str, Any]
    fields: dict[str, Any]  # priority, timeout, retries: as submitted
    scenario: scenario.Scenario
    jobs: list[Job] = field(default_factory=list)
    status: str = "unassigned"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Any = None


@dataclass(frozen=True)
class Registration:
    """One callback: where to, which events (`<scope>:<status>` or `<scope>:*`), and whether with details."""

    url: str = field(repr=False)  # holds the receiver's secret
    events: tuple[str, ...]
    detailed: bool = False

    def wants(self, scope: str, status: str) -> bool:
        """Whether an event of this scope and status is to be sent here."""
        return f"{scope}:*" in self.events or f"{scope}:{status}" in self.events


@dataclass(eq=False)
class Workflow:
    """One submitted workflow. `fields` is what its document repeats as it was submitted."""

    id: str
    dice: random.Random
    created_at: datetime
    tags: list[str]
    metadata: dict[str, Any]
    fields: dict[str, Any]
    steps: list[Step]
    registrations: list[Registration]
    ephemeral: bool = False
    status: str = "unassigned"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    callbacks_delivered: int = 0
    callbacks_failed: int = 0


@dataclass(eq=False)
class Blob:
    """One served file and where in a workflow it appears. `type` is None where the place names no type."""

    id: str
    workflow_id: str
    step_name: str
    path: str
    job_id: str
    type: str | None
    file: content.Content = field(repr=False)
    expires_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    preview: "Blob | None" = None


@dataclass(frozen=True)
class Request:
    """A request that reached one of the two origins, `api` or `blob`. Header names are lower case."""

    origin: str
    method: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)


class State:
    """The stand-in's memory. `retention` is how long ended workflows and blobs are kept (seconds)."""

    def __init__(self, *, seed: int, retention: float) -> None:
        self.workflows: dict[str, Workflow] = {}
        self.by_external_id: dict[str, Workflow] = {}
        self.blobs: dict[str, Blob] = {}
        self.requests: deque[Request] = deque(maxlen=100_000)
        self.retention = timedelta(seconds=retention)
        self._seed = seed
        self._submitted = 0
        self._user = self.new_dice().randrange(1_000_000, 9_999_999)

    def new_dice(self) -> random.Random:
        """The next seeded source of chance: one a workflow, so that runs side by side stay repeatable."""
        self._submitted += 1
        return random.Random(f"{self._seed}:{self._submitted}")  # noqa: S311 (repeatable, no secret)

    def new_workflow_id(self, moment: datetime) -> str:
        """A free id in the shape of `8484131-20260121222126332`: the user and the millisecond."""
        while True:
            identifier = f"{self._user}-{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
            if identifier not in self.workflows:
                return identifier
            moment += timedelta(milliseconds=1)

    def add(self, workflow: Workflow) -> None:
        """Keep a new workflow, under its external id too."""
        self.workflows[workflow.id] = workflow
        if external_id := workflow.fields.get("externalId"):
            self.by_external_id[external_id] = workflow

    def find_workflow(self, identifier: str) -> Workflow | None:
        """The workflow, unless it is past its retention, or ephemeral and ended."""
        workflow = self.workflows.get(identifier)
        return workflow if workflow and self._is_kept(workflow) else None

    def kept_workflows(self) -> list[Workflow]:
        """Every workflow that can still be fetched, in the order of their submission."""
        return [workflow for workflow in self.workflows.values() if self._is_kept(workflow)]

    def find_blob(self, identifier: str) -> Blob | None:
        """The blob, unless it is past its retention."""
        blob = self.blobs.get(identifier)
        return blob if blob and blob.expires_at > clock.now() else None

    def _is_kept(self, workflow: Workflow) -> bool:
        if workflow.completed_at is None:
            return True
        return not workflow.ephemeral and workflow.completed_at + self.retention > clock.now()


def new_job_id(dice: random.Random) -> str:
    """A UUID."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def new_blob_id(dice: random.Random, extension: str) -> str:
    """In the shape of `JNFDW54JNTATNW42HACYCWSQP0.jpeg`."""
    return "".join(dice.choices(_BLOB_ALPHABET, k=26)) + "." + extension
