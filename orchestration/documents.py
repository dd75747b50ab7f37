"""Workflow documents, read into what an archive keeps of them.

A document may come from the API of today, from an older one, or from the details of a callback. Nothing in it
is relied upon: a value that is missing or strange is None or empty, never an error. Every text given here can
be stored as it is; `metadata`, `input`, `output` and `document` are as they came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from orchestration import statuses, wire
from orchestration.wire import JsonObject

_LARGEST_COST = 10**15  # whoever claims more claims nothing


@dataclass(frozen=True)
class Job:
    """One of Civitai's jobs, as far as the workflow tells of it."""

    id: str
    status: str | None
    started_at: datetime | None
    completed_at: datetime | None
    provider: str | None
    reason: str | None
    blocked_reason: str | None
    document: JsonObject


@dataclass(frozen=True)
class Step:
    """One step. `name` is unique within its workflow; jobs without a usable id are left out."""

    position: int
    name: str
    type: str | None
    engine: str | None
    status: str | None
    started_at: datetime | None
    completed_at: datetime | None
    cost: Decimal | None
    input: Any
    output: Any
    jobs: list[Job]


@dataclass(frozen=True)
class Workflow:
    """One workflow. `cost` is the total; `currency` as told, several joined by commas."""

    id: str | None
    status: str | None
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    tags: list[str]
    metadata: JsonObject
    cost: Decimal | None
    currency: str | None
    nsfw_level: str | None
    ephemeral: bool
    deleted_at: datetime | None
    external_id: str | None
    steps: list[Step]


def is_deleted(workflow: Workflow) -> bool:
    """Say whether its owner has removed it."""
    return (workflow.status or "").lower() == statuses.DELETED or workflow.deleted_at is not None


def read(document: JsonObject) -> Workflow:
    """Read a workflow document; never raises."""
    metadata = document.get("metadata")
    return Workflow(
        id=_identifier(document.get("id")),
        status=wire.text(document.get("status")),
        created_at=wire.timestamp(document.get("createdAt")),
        started_at=wire.timestamp(document.get("startedAt")),
        completed_at=wire.timestamp(document.get("completedAt")),
        tags=_texts(document.get("tags")),
        metadata=metadata if isinstance(metadata, dict) else {},
        cost=_cost(document.get("cost")),
        currency=_currency(document),
        nsfw_level=wire.text(document.get("nsfwLevel")),
        ephemeral=document.get("ephemeral") is True,
        deleted_at=wire.timestamp(document.get("deletedAt")),
        external_id=_identifier(document.get("externalId")),
        steps=[_step(position, name, step) for position, name, step in named_steps(document)],
    )


def named_steps(document: JsonObject) -> Iterator[tuple[int, str, JsonObject]]:
    """Give each step's position, its name in the archive, and the step.

    The name is the step's own; without one, its position; when it is taken already, with `#2`, `#3` … behind
    it. Steps inside the output of a `repeat` are no steps of the workflow.
    """
    steps = document.get("steps")
    taken: set[str] = set()
    for position, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        own = _identifier(step.get("name")) or str(position)
        name, number = own, 1
        while name in taken:
            number += 1
            name = f"{own}#{number}"
        taken.add(name)
        yield position, name, step


def _step(position: int, name: str, step: JsonObject) -> Step:
    asked = step.get("input")
    jobs = step.get("jobs")
    return Step(
        position=position,
        name=name,
        type=wire.text(step.get("$type")),
        engine=wire.text(asked.get("engine")) if isinstance(asked, dict) else None,
        status=wire.text(step.get("status")),
        started_at=wire.timestamp(step.get("startedAt")),
        completed_at=wire.timestamp(step.get("completedAt")),
        cost=_cost(step.get("cost")),
        input=asked,
        output=step.get("output"),
        jobs=[
            _job(job_id, job)
            for job in (jobs if isinstance(jobs, list) else [])
            if isinstance(job, dict) and (job_id := _identifier(job.get("id")))
        ],
    )


def _job(job_id: str, job: JsonObject) -> Job:
    return Job(
        id=job_id,
        status=wire.text(job.get("status")),
        started_at=wire.timestamp(job.get("startedAt")),
        completed_at=wire.timestamp(job.get("completedAt")),
        provider=wire.text(job.get("provider")),
        reason=wire.text(job.get("reason")),
        blocked_reason=wire.text(job.get("blockedReason")),
        document=job,
    )


def _identifier(value: object) -> str | None:
    return value if wire.is_identifier(value) else None


def _texts(value: object) -> list[str]:
    return [wire.storable(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _cost(value: object) -> Decimal | None:
    """A number, or an object with a `total`."""
    if isinstance(value, dict):
        value = value.get("total")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if abs(value) <= _LARGEST_COST else None


def _currency(document: JsonObject) -> str | None:
    cost = document.get("cost")
    told = wire.text(cost.get("currency")) if isinstance(cost, dict) else None
    return told or ",".join(_texts(document.get("currencies"))) or None
