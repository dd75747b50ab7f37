"""What answers look like, as JSON Schema: what a client may rely on, of both sides. Civitai adds fields every month."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
OBJECT: Schema = {"type": "object"}


def reference(name: str) -> Schema:
    """One of the schemas below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(*types: str) -> Schema:
    return {"type": [*types, "null"]}


_MAYBE_TEXT, _MAYBE_MOMENT, _LIST = _nullable("string"), _nullable("string"), {"type": "array"}

SCHEMAS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "What went wrong (RFC 7807).",
        "properties": {
            "type": TEXT,
            "title": _MAYBE_TEXT,
            "status": {"type": "integer"},
            "detail": _MAYBE_TEXT,
            "errors": {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
        },
        "required": ["status"],
    },
    "Workflow": {
        "type": "object",
        "properties": {
            "id": _MAYBE_TEXT,
            "status": TEXT,
            "createdAt": _MAYBE_MOMENT,
            "startedAt": _MAYBE_MOMENT,
            "completedAt": _MAYBE_MOMENT,
            "tags": {"type": "array", "items": TEXT},
            "metadata": OBJECT,
            "steps": {"type": "array", "items": reference("WorkflowStep")},
            "callbacks": _LIST,
            "cost": _nullable("object", "number"),
        },
        "required": ["status"],
    },
    "WorkflowStep": {
        "type": "object",
        "properties": {
            "$type": TEXT,
            "name": _MAYBE_TEXT,
            "status": _MAYBE_TEXT,
            "jobs": _nullable("array"),
            "metadata": _nullable("object"),
        },
    },
    "WorkflowPage": {
        "type": "object",
        "description": "Without `next` it is the last one; `nextCursor` is the older word for it.",
        "properties": {
            "items": {"type": "array", "items": reference("Workflow")},
            "next": _MAYBE_TEXT,
            "nextCursor": _MAYBE_TEXT,
        },
        "required": ["items"],
    },
    "Blob": {
        "type": "object",
        "properties": {
            "id": TEXT,
            "type": TEXT,
            "available": {"type": "boolean"},
            "url": _MAYBE_TEXT,
            "urlExpiresAt": _MAYBE_MOMENT,
            "nsfwLevel": _nullable("string", "integer"),
            "blockedReason": _MAYBE_TEXT,
        },
    },
    "Job": {"type": "object", "properties": {"job": _nullable("object"), "lastEvent": _nullable("object")}},
    "WorkflowTemplate": {
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "properties": {"$type": TEXT}, "required": ["$type"]},
            },
            "tags": {"type": "array", "items": TEXT, "maxItems": 10},
            "metadata": OBJECT,
            "callbacks": {"type": "array", "items": OBJECT},
            "externalId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"},
        },
        "required": ["steps"],
    },
    "JsonPatch": {
        "type": "array",
        "items": {"type": "object", "properties": {"op": TEXT, "path": TEXT}, "required": ["op", "path"]},
    },
}
