"""The callbacks that the bench sends: detailed workflow events of about 4 kB, four for each workflow."""

import json
from typing import Any

STATUSES = ("scheduled", "processing", "processing", "succeeded")
_SIGNATURE = "CfDJ8I" * 30


def bodies() -> list[str]:
    """One body a status; `%WORKFLOW%` stands for the workflow's id and `%N%` for a number that makes each an event."""
    return [json.dumps(_event(status)) for status in STATUSES]


def body(number: int, run: str) -> bytes:
    """The `number`th body of a run, filled in."""
    told = _TEMPLATES[number % len(_TEMPLATES)]
    return told.replace("%WORKFLOW%", f"{run}-{number // 4:09}").replace("%N%", str(number)).encode()


def _event(status: str) -> dict[str, Any]:
    return {
        "$type": "workflow",
        "workflowId": "%WORKFLOW%",
        "status": status,
        "timestamp": "2026-11-22T05:00:10.1234567Z",
        "details": {
            "metadata": {"userId": 8484131, "number": "%N%"},
            "arguments": {},
            "createdAt": "2026-11-22T05:00:00Z",
            "startedAt": "2026-11-22T05:00:01Z",
            "completedAt": "2026-11-22T05:00:10Z",
            "steps": [_step()],
        },
    }


def _step() -> dict[str, Any]:
    return {
        "name": "$0",
        "status": "succeeded",
        "startedAt": "2026-11-22T05:00:01.1234567Z",
        "completedAt": "2026-11-22T05:00:09.7654321Z",
        "metadata": {"params": {"seed": 123456789, "cfgScale": 7}},
        "input": {
            "model": "urn:air:sdxl:checkpoint:civitai:101055@128078",
            "prompt": "a lighthouse on a cliff at dusk, waves, " * 12,
            "negativePrompt": "blurry, low quality, " * 8,
            "width": 1024,
            "height": 1024,
            "steps": 30,
            "quantity": 5,
        },
        "output": {"images": [_image(number) for number in range(5)]},
        "cost": 12.5,
    }


def _image(number: int) -> dict[str, Any]:
    blob = f"JNFDW54JNTATNW42HACYCWSQP{number}.jpeg"
    return {
        "type": "image",
        "id": blob,
        "available": True,
        "url": f"https://orchestration.civitai.com/v2/consumer/blobs/{blob}?sig={_SIGNATURE}&exp=2030-01-01T00:00:00Z",
        "urlExpiresAt": "2030-01-01T00:00:00Z",
        "width": 1024,
        "height": 1024,
        "nsfwLevel": "pg",
        "jobId": "0-019be44b-181e-7a7e-ab1b-b58dc7610dca",
    }


_TEMPLATES = bodies()
