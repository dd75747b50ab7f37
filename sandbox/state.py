"""Everything the stand-in knows, in memory: workflows, steps, jobs, blobs, and the requests it saw.

Both origins share one `State`, and tests in the same event loop may read it directly.
"""

import asyncio
import hashlib
import random
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox import clock, content, scenario

TERMINAL = frozenset(scenario.OUTCOMES)
MOST_REQUESTS = 10_000  # kept


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
    blobs: list["Blob"] = field(default_factory=list)  # its results, without their previews


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
    """One submitted workflow, the `number`th. `fields` is what its document repeats as it was submitted; `told` names
    the steps whose output a detailed callback has brought to its receiver.
    """

    id: str
    number: int
    dice: random.Random
    created_at: datetime
    tags: list[str]
    metadata: dict[str, Any]
    fields: dict[str, Any]
    steps: list[Step]
    registrations: list[Registration]
    scenario: scenario.Scenario
    ephemeral: bool = False
    status: str = "unassigned"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deleted_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    callbacks_delivered: int = 0
    callbacks_failed: int = 0
    told: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Blob:
    """One file that can be asked for. `type` is None where the place that it was made for names no type; `served` is
    how often its last byte was sent, `uses` how often each of its signatures was used, if that is bounded.
    """

    id: str
    job_id: str
    type: str | None
    file: content.Content = field(repr=False)
    made_at: datetime
    expires_at: datetime
    scenario: scenario.Scenario
    ephemeral: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    preview: "Blob | None" = None
    served: int = 0
    uses: Counter[str] = field(default_factory=Counter)

    def is_available(self, moment: datetime) -> bool:
        """Whether it has been made long enough before this moment."""
        return self.made_at + timedelta(seconds=self.scenario.available_after) <= moment

    @property
    def nsfw_level(self) -> str:
        """What the scan of it found."""
        return "x" if self.scenario.mature else "pg"

    @property
    def placeholder_token(self) -> str:
        """What stands for it in the address of the image that is shown in its place."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Place:
    """Where in a workflow's output a blob stands."""

    workflow: Workflow
    step: Step
    path: str
    blob: Blob


@dataclass(frozen=True)
class Request:
    """A request that reached one of the two origins, `api` or `blob`."""

    origin: str
    method: str
    path: str
    query: str
    raw_headers: list[tuple[bytes, bytes]] = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Every header by its lower-case name."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}

    @property
    def is_authorized(self) -> bool:
        """Whether an Authorization header came with it, right or wrong."""
        return any(name == b"authorization" for name, _ in self.raw_headers)


class State:
    """The stand-in's memory. `retention` is how long ended workflows and blobs are kept (seconds); all workflows belong
    to one `user`.
    """

    def __init__(self, *, seed: int, retention: float) -> None:
        self.clock = clock.Clock()
        self.workflows: dict[str, Workflow] = {}
        self.by_external_id: dict[str, Workflow] = {}
        self.jobs: dict[str, tuple[Workflow, Step, Job]] = {}
        self.blobs: dict[str, Blob] = {}
        self.places: list[Place] = []
        self.withheld: dict[str, Blob] = {}  # by the token of the placeholder
        self.requests: deque[Request] = deque(maxlen=MOST_REQUESTS)
        self.requests_seen: Counter[str] = Counter()  # by origin
        self.requests_authorized: Counter[str] = Counter()
        self.retention = timedelta(seconds=retention)
        self._seed = seed
        self._submitted = 0
        self.user = self.new_dice(0).randrange(1_000_000, 9_999_999)

    def new_number(self) -> int:
        """The next workflow's number."""
        self._submitted += 1
        return self._submitted

    def new_dice(self, number: int) -> random.Random:
        """The seeded source of chance of one workflow: its own, so that runs side by side stay repeatable."""
        return random.Random(f"{self._seed}:{number}")  # noqa: S311 (repeatable, no secret)

    def new_workflow_id(self, moment: datetime) -> str:
        """A free id in the shape of `8484131-20260121222126332`: the user and the millisecond."""
        while True:
            identifier = f"{self.user}-{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
            if identifier not in self.workflows:
                return identifier
            moment += timedelta(milliseconds=1)

    def add(self, workflow: Workflow) -> None:
        """Keep a new workflow, under its external id too."""
        self.workflows[workflow.id] = workflow
        if external_id := workflow.fields.get("externalId"):
            self.by_external_id[external_id] = workflow
        self.jobs.update((job.id, (workflow, step, job)) for step in workflow.steps for job in step.jobs)

    def place(self, workflow: Workflow, step: Step, blobs: Mapping[str, Blob]) -> None:
        """Keep the blobs of a step's output, each under its path there."""
        for path, blob in blobs.items():
            self.places.append(Place(workflow, step, path, blob))
            self.blobs[blob.id] = blob
            if not path.endswith(".previewUrl"):
                step.blobs.append(blob)
            if blob.scenario.withheld is not None:
                self.withheld[blob.placeholder_token] = blob

    def record(self, request: Request) -> None:
        """Keep a request, in place of the oldest one when there are many."""
        self.requests.append(request)
        self.requests_seen[request.origin] += 1
        self.requests_authorized[request.origin] += request.is_authorized

    def find_workflow(self, identifier: str) -> Workflow | None:
        """The workflow, unless it is deleted, past its retention, or ephemeral and ended."""
        workflow = self.workflows.get(identifier)
        return workflow if workflow and self._is_kept(workflow) else None

    def find_by_external_id(self, identifier: str | None) -> Workflow | None:
        """The workflow that was submitted under this idempotency key, if it can still be fetched."""
        workflow = self.by_external_id.get(identifier) if identifier else None
        return workflow if workflow and self._is_kept(workflow) else None

    def kept_workflows(self) -> list[Workflow]:
        """Every workflow that can still be fetched, in the order of their submission."""
        return [workflow for workflow in self.workflows.values() if self._is_kept(workflow)]

    def find_blob(self, identifier: str) -> Blob | None:
        """The blob, unless it is past its retention."""
        blob = self.blobs.get(identifier)
        return blob if blob and blob.expires_at > self.clock.now() else None

    def _is_kept(self, workflow: Workflow) -> bool:
        if workflow.deleted_at is not None:
            return False
        if workflow.completed_at is None:
            return True
        return not workflow.ephemeral and workflow.completed_at + self.retention > self.clock.now()

    def forget(self) -> None:
        """No workflow, job or blob can be found any more. What was served and seen is still told."""
        moment = self.clock.now()
        for workflow in self.workflows.values():
            workflow.deleted_at = workflow.deleted_at or moment
        for blob in self.blobs.values():
            blob.expires_at = moment
        self.withheld.clear()
