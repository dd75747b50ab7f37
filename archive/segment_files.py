"""Segments as files: JSON Lines in storage, one line for each event or quarantined delivery, verbatim."""

import base64
import binascii
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archive.events import Parameters

MEDIA_TYPE = "application/jsonl"
FOLDER = "events"
COLUMNS = (
    "workflow_id",
    "digest",
    "source",
    "parameters",
    "body",
    "reason",
    "first_received_at",
    "last_received_at",
    "deliveries",
)
"""Of the two tables: what a line is made from."""


class Unreadable(ValueError):
    """The line is not one that we write."""


@dataclass(frozen=True)
class Line:
    """A row of `events`, or, with a reason, of `quarantine`."""

    digest: bytes
    source: str
    parameters: Parameters
    body: bytes
    reason: str | None
    first_received_at: datetime
    last_received_at: datetime
    deliveries: int


def new_name(told: str, after_id: int, up_to_id: int, begun_at: datetime) -> str:
    """A name for a segment, which sorts by time and which no other database can come upon."""
    return (
        f"{FOLDER}/{begun_at:%Y/%m/%d}/{begun_at:%H%M%S}-{told}-{after_id + 1}-{up_to_id}-{uuid.uuid4().hex[:12]}.jsonl"
    )


def write(rows: Iterable[Mapping[Any, Any]]) -> bytes:
    """The rows of a segment as its file's content."""
    return b"".join(json.dumps(_told(row), separators=(",", ":")).encode() + b"\n" for row in rows)


def read(line: bytes) -> Line:
    """A line of a segment. Raises Unreadable."""
    try:
        told = json.loads(line)
        body = told["body"].encode() if "body" in told else base64.b64decode(told["bodyBase64"], validate=True)
        return Line(
            digest=bytes.fromhex(told["digest"]),
            source=told["source"],
            parameters=told["parameters"],
            body=body,
            reason=told.get("reason"),
            first_received_at=datetime.fromisoformat(told["firstReceivedAt"]),
            last_received_at=datetime.fromisoformat(told["lastReceivedAt"]),
            deliveries=int(told["deliveries"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as error:
        raise Unreadable(f"not a line of a segment: {type(error).__name__}") from None


def _told(row: Mapping[Any, Any]) -> dict[str, Any]:
    told = {
        "digest": row["digest"].hex(),
        "source": row["source"],
        "parameters": row["parameters"],
        "firstReceivedAt": row["first_received_at"].isoformat(),
        "lastReceivedAt": row["last_received_at"].isoformat(),
        "deliveries": row["deliveries"],
    }
    if "reason" in row:
        told["reason"] = row["reason"]
    else:
        told["workflowId"] = row["workflow_id"]  # for whoever searches the files
    try:
        told["body"] = row["body"].decode()
    except UnicodeDecodeError:
        told["bodyBase64"] = base64.b64encode(row["body"]).decode()
    return told
