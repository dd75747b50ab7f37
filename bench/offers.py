"""What a bench offers to an archive: workflows that have ended, as files for a web server to hand out.

v2/consumer/workflows/<id>   the workflow's document
v1/consumer/jobs/<id>        its job's
blobs/<id>                   content, no two of them the same
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x02\0\x08\x02\0\0\0"
_MARK = 16  # bytes by which one content differs from another
_NOISE_BYTES = 1 << 20


@dataclass(frozen=True)
class Offer:
    """Workflows by their ids, and what they amount to."""

    workflow_ids: Sequence[str]
    job_ids: Sequence[str]
    blob_ids: Sequence[str]
    size: int

    def urls(self, address: str) -> list[str]:
        """Where every content is."""
        return [f"{address}/blobs/{blob_id}" for blob_id in self.blob_ids]


def make(files: Path, address: str, name: str, *, workflows: int, results: int, size: int) -> Offer:
    """Write workflows of so many results of `size` bytes each; `name` tells them from every other offer."""
    for directory in ("v2/consumer/workflows", "v1/consumer/jobs", "blobs"):
        (files / directory).mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    workflow_ids, job_ids, blob_ids = [], [], []
    for number in range(workflows):
        workflow_id = f"{name}-{number}"
        job_id = f"job-{workflow_id}"
        blobs = [f"{workflow_id}-{position}.png" for position in range(results)]
        for blob_id in blobs:
            _write_content(files / "blobs" / blob_id, size)
        document = _document(workflow_id, job_id, [(each, f"{address}/blobs/{each}") for each in blobs], now)
        (files / "v2/consumer/workflows" / workflow_id).write_text(json.dumps(document))
        (files / "v1/consumer/jobs" / job_id).write_text(json.dumps(_job(workflow_id, job_id, now)))
        workflow_ids.append(workflow_id)
        job_ids.append(job_id)
        blob_ids += blobs
    return Offer(workflow_ids, job_ids, blob_ids, len(blob_ids) * size)


def warm(files: Path, offer: Offer) -> None:
    """Read every content once: who comes first would else wait for the holes to become pages, and nobody after."""
    for blob_id in offer.blob_ids:
        with (files / "blobs" / blob_id).open("rb") as file:
            while file.read(_NOISE_BYTES):
                pass


def withdraw(files: Path, offer: Offer) -> None:
    """Remove the files of an offer, since they are many."""
    for directory, names in (
        ("v2/consumer/workflows", offer.workflow_ids),
        ("v1/consumer/jobs", offer.job_ids),
        ("blobs", offer.blob_ids),
    ):
        for name in names:
            (files / directory / name).unlink()


def _write_content(path: Path, size: int) -> None:
    """Begins like a picture; beyond the first mebibyte the file is a hole, which is quick to make and to read."""
    with path.open("wb") as file:
        file.write(_PNG + os.urandom(_MARK))
        file.write(_NOISE[: max(0, min(size, _NOISE_BYTES) - len(_PNG) - _MARK)])
        file.truncate(size)


_NOISE = os.urandom(_NOISE_BYTES)


def _document(workflow_id: str, job_id: str, blobs: Sequence[tuple[str, str]], now: datetime) -> dict[str, object]:
    times = {"startedAt": now.isoformat(), "completedAt": now.isoformat()}
    return {
        "id": workflow_id,
        "status": "succeeded",
        "createdAt": now.isoformat(),
        **times,
        "tags": ["bench"],
        "metadata": {"bench": True},
        "cost": {"base": 8, "total": 8},
        "steps": [
            {
                "$type": "textToImage",
                "name": "$0",
                "status": "succeeded",
                **times,
                "jobs": [{"id": job_id, "status": "succeeded", **times, "cost": 4}],
                "input": {"prompt": "a lighthouse in fog", "width": 512, "height": 512, "quantity": len(blobs)},
                "output": {
                    "images": [
                        {
                            "type": "image",
                            "id": blob_id,
                            "available": True,
                            "url": url,
                            "urlExpiresAt": (now + timedelta(hours=6)).isoformat(),
                            "jobId": job_id,
                            "width": 512,
                            "height": 512,
                        }
                        for blob_id, url in blobs
                    ]
                },
            }
        ],
    }


def _job(workflow_id: str, job_id: str, now: datetime) -> dict[str, object]:
    return {
        "jobId": job_id,
        "job": {"id": job_id, "type": "TextToImage", "properties": {"workflowId": workflow_id}},
        "lastEvent": {"type": "Succeeded", "dateTime": now.isoformat(), "provider": "bench", "context": {"seed": 1}},
        "result": [],
        "cost": 4,
    }
