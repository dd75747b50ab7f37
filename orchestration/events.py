"""Callback bodies: what Civitai tells about a workflow, a step or a job."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from orchestration import wire
from orchestration.wire import JsonObject

Scope = Literal["workflow", "step", "job"]


class Unreadable(ValueError):
    """The delivery is no event that we can read; `reason` completes the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this is no event: {reason}")
        self.reason = reason


class Event(NamedTuple):
    """One thing told. Absent facts are None; only workflow events say when it happened.

    `reason` and `blocked_reason` of a failed job are told here and nowhere else. Every text but those in
    `body`, which is the whole delivery, can be stored as it is. A plain body (`wire.loads_plain`) can be stored as it
    came, as bytes and as JSON.
    """

    scope: Scope
    workflow_id: str
    step_name: str | None
    job_id: str | None
    status: str | None
    occurred_at: datetime | None
    reason: str | None
    blocked_reason: str | None
    body: JsonObject
    is_plain: bool


def parse(body: bytes) -> Event:
    """Read a callback's body. Raises Unreadable, and nothing else."""
    document, is_plain = _document(body)
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    workflow_id = _identifier(document, "workflowId")
    if workflow_id is None:
        raise Unreadable("it has no workflowId")
    scope = _scope(document)
    step_name: str | None = None
    if scope == "step":
        step_name = _identifier(document, "name") or _identifier(document, "stepName")
    elif scope == "job":
        step_name = _identifier(document, "stepName")
    return Event(
        scope=scope,
        workflow_id=workflow_id,
        step_name=step_name,
        job_id=_identifier(document, "jobId") if scope == "job" else None,
        status=_identifier(document, "status"),
        occurred_at=wire.timestamp(_text(document, "timestamp")),
        reason=_text(document, "reason"),
        blocked_reason=_text(document, "blockedReason"),
        body=document,
        is_plain=is_plain,
    )


def _document(body: bytes) -> tuple[Any, bool]:
    try:
        return wire.loads_plain(body), True  # most are, and are read in a third of the time
    except ValueError:
        pass
    try:
        return wire.loads(body), False
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _scope(document: JsonObject) -> Scope:
    """Believe `$type` when it names a scope in some spelling (`WorkflowStepEvent`), else the fields."""
    told = document.get("$type")
    if isinstance(told, str):
        spelling = told.lower()
        if "job" in spelling:
            return "job"
        if "step" in spelling:
            return "step"
        if "workflow" in spelling:
            return "workflow"
    if document.get("jobId") is not None:
        return "job"
    if document.get("name") is not None or document.get("stepName") is not None:
        return "step"
    return "workflow"


def _identifier(document: JsonObject, field: str) -> str | None:
    value = document.get(field)
    if value is None or value == "":
        return None
    if not wire.is_identifier(value):
        raise Unreadable(f"its {field} is not text of at most {wire.IDENTIFIER_BYTES} bytes without NUL")
    return value


def _text(document: JsonObject, field: str) -> str | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(f"its {field} is not text")
    return wire.storable(value)
