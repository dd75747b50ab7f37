"""`/sandbox/…`: what the stand-in did, for demos and drills. The real orchestrator has nothing like it."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, clock, expectations, faults, state

MOST_REQUESTS = 1_000  # of one answer


class Control:
    """Reports on the state; needs no token."""

    def __init__(self, memory: state.State, chance: faults.Chance) -> None:
        self._state, self._chance = memory, chance

    async def blobs(self, _request: Request) -> Response:
        """Every place of every result, previews too, with the digest of its bytes and what is to become of it."""
        places = list(self._state.places)
        digests = await asyncio.to_thread(lambda: [place.blob.file.sha256 for place in places])
        return answers.Json(
            [
                {
                    "id": place.blob.id,
                    "workflowId": place.workflow.id,
                    "stepName": place.step.name,
                    "path": place.path,
                    "sha256": digest,
                    "size": place.blob.file.size,
                    "mediaType": place.blob.file.media_type,
                    "served": place.blob.served,
                    "expected": expectations.of(place, self._chance),
                }
                for place, digest in zip(places, digests, strict=True)
            ]
        )

    async def workflows(self, _request: Request) -> Response:
        """Every workflow ever submitted, ephemeral ones too, and how its callbacks fared."""
        return answers.Json(
            [
                {
                    "id": workflow.id,
                    "status": workflow.status,
                    "completedAt": workflow.completed_at and clock.text(workflow.completed_at),
                    "ephemeral": workflow.ephemeral,
                    "callbacksDelivered": workflow.callbacks_delivered,
                    "callbacksFailed": workflow.callbacks_failed,
                }
                for workflow in self._state.workflows.values()
            ]
        )

    async def requests(self, request: Request) -> Response:
        """How many requests each origin saw and how many with an Authorization header, and the newest of them."""
        origin = request.query_params.get("origin")
        seen = [each for each in self._state.requests if origin in (None, each.origin)]
        return answers.Json(
            {
                "origins": {
                    name: {
                        "requests": self._state.requests_seen[name],
                        "withAuthorization": self._state.requests_authorized[name],
                    }
                    for name in ("api", "blob")
                },
                # Without their queries: they hold signatures.
                "newest": [
                    {
                        "origin": each.origin,
                        "method": each.method,
                        "path": each.path,
                        "authorization": each.is_authorized,
                    }
                    for each in seen[-MOST_REQUESTS:]
                ],
            }
        )
