"""Manifests: one self-describing JSON document in storage for each workflow, enough to find its results without us."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from archive import results, workflows
from orchestration.wire import JsonObject

FORMAT = "civitai-archive/manifest/1"
MEDIA_TYPE = "application/json"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def name(workflow_id: str, created_at: datetime) -> str:
    """Where a workflow's manifest lies: under its day, recognisable, and unique whatever the id is made of."""
    slug = _UNSAFE.sub("-", workflow_id).strip(".-")[:80] or "workflow"
    digest = hashlib.sha256(workflow_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"workflows/{created_at:%Y/%m/%d}/{slug}-{digest}.json"


def build(workflow_id: str, workflow: workflows.Kept, kept: Sequence[results.Kept]) -> bytes:
    """The manifest's bytes: the document as Civitai gave it, and for each result what became of it."""
    manifest = {
        "format": FORMAT,
        "workflowId": workflow_id,
        "results": [_told(result) for result in kept],
        "told": workflow.told,
        "document": workflow.document,
    }
    return json.dumps(manifest, indent=1).encode()


def _told(result: results.Kept) -> JsonObject:
    return {
        _camel(name): value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(result).items()
        if value is not None and name != "next_attempt_at"
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
