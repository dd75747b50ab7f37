"""Documents in a few words: a workflow as a row of a table, a job as a page."""

import json
from collections.abc import Iterator
from typing import Any

from orchestration import documents, wire
from orchestration.wire import JsonObject

COLUMNS = ("id", "status", "created", "completed", "steps", "tags", "prompt")

_PROMPT_CHARACTERS = 60
_VALUE_CHARACTERS = 200
_FIRST = ("hive_csam_score", "hive_vlm_summary", "blocked_reason", "nsfwLevel")
"""The scans' results, which are what one asks for a job's context for."""

_FLAGS = ("sexual", "young", "cr", "scan")
"""What a prompt can be classified as."""


def row(document: JsonObject) -> list[object]:
    """What a listing shows of a workflow, under COLUMNS."""
    workflow = documents.read(document)
    return [
        workflow.id,
        workflow.status,
        _moment(document.get("createdAt")),
        _moment(document.get("completedAt")),
        ", ".join(f"{step.name}:{step.type or 'unknown'}({step.status or 'unknown'})" for step in workflow.steps),
        ", ".join(workflow.tags),
        next((_cut(prompt, _PROMPT_CHARACTERS) for step in workflow.steps if (prompt := _prompt(step.input))), ""),
    ]


def job(document: JsonObject) -> Iterator[str]:
    """A job as lines of text: what it is, its prompt, its results, and its last event with the scans' results."""
    inner = _object(document, "job") or document
    yield "Job Summary:"
    yield from _fields(
        ("ID", inner.get("id") or document.get("jobId")),
        ("Type", inner.get("type") or inner.get("Type")),
        ("Created", inner.get("createdAt")),
        ("Cost", document.get("cost", inner.get("cost"))),
        ("Workflow ID", _object(inner, "properties").get("workflowId")),
    )
    parameters = _object(inner, "params")
    yield from _fields(("Prompt", parameters.get("prompt")), ("Negative", parameters.get("negativePrompt")))
    classified = _object(inner, "promptClassificationResult")
    if classified:
        flags = [flag for flag in _FLAGS if classified.get(flag)]
        yield f"  Prompt Classification: {', '.join(flags) or 'none'}"
    results = document.get("result")
    if isinstance(results, list):
        yield f"Results ({len(results)} blob(s)):"
        for result in results:
            if isinstance(result, dict):
                yield f"  - {_text(result.get('blobKey'))} (available: {_text(result.get('available'))})"
    event = _object(document, "lastEvent")
    if event:
        yield "Last Event:"
        yield from _fields(
            ("Type", event.get("type")),
            ("Time", event.get("dateTime")),
            ("Provider", event.get("provider")),
            ("Worker", event.get("workerId")),
            ("Job Duration", event.get("jobDuration")),
        )
        context = _object(event, "context")
        if context:
            yield "Event Context (scan results, metrics):"
            for name in sorted(context, key=_place):
                yield f"  {'** ' if name in _FIRST else '   '}{name}: {_text(context[name])}"


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _fields(*fields: tuple[str, object]) -> Iterator[str]:
    return (f"  {name}: {_text(value)}" for name, value in fields if value is not None)


def _prompt(given: Any) -> str:
    return wire.text(given.get("prompt")) or "" if isinstance(given, dict) else ""


def _moment(value: object) -> str:
    moment = wire.timestamp(value)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment else ""


def _object(value: JsonObject, key: str) -> JsonObject:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _text(value: object) -> str:
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _VALUE_CHARACTERS)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
