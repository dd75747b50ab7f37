"""`/sandbox/…`: what the stand-in did, for demos and drills. The real orchestrator has nothing like it."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import clock, state


class Control:
    """Reports on the state; needs no token."""

    def __init__(self, memory: state.State) -> None:
        self._state = memory

    async def blobs(self, _request: Request) -> Response:
        """Every blob that is served, previews too, with the digest of its bytes."""
        blobs = list(self._state.blobs.values())
        digests = await asyncio.to_thread(lambda: [blob.file.sha256 for blob in blobs])
        return JSONResponse(
            [
                {
                    "id": blob.id,
                    "workflowId": blob.workflow_id,
                    "stepName": blob.step_name,
                    "path": blob.path,
                    "sha256": digest,
                    "size": blob.file.size,
                    "mediaType": blob.file.media_type,
                }
                for blob, digest in zip(blobs, digests, strict=True)
            ]
        )

    async def workflows(self, _request: Request) -> Response:
        """Every workflow ever submitted, ephemeral ones too, and how its callbacks fared."""
        return JSONResponse(
            [
                {
                    "id": workflow.id,
                    "status": workflow.status,
                    "completedAt": workflow.completed_at and clock.text(workflow.completed_at),
                    "callbacksDelivered": workflow.callbacks_delivered,
                    "callbacksFailed": workflow.callbacks_failed,
                }
                for workflow in self._state.workflows.values()
            ]
        )
