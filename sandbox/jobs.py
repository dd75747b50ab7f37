"""`/v1/consumer/jobs`: the older, closer look at one job, with what its last event told and what the scans found."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, clock, documents, parameters, problems, state

_CONTEXT = {
    "hive_csam_score": "0.00 %, 0.00 %",
    "hive_vlm_summary": "X, No_Child",
    "seed": 1,
}


class Jobs:
    """The calls about jobs."""

    def __init__(self, memory: state.State) -> None:
        self._state = memory

    async def get(self, request: Request) -> Response:
        """GET one: the job, and with `detailed=true` the context of its last event; 404."""
        workflow, step, job = self._state.jobs.get(request.path_params["job_id"], (None, None, None))
        if workflow is None or step is None or job is None or self._state.find_workflow(workflow.id) is None:
            raise problems.Problem(404, "There is no such job.")
        is_detailed = parameters.Parameters(request).flag("detailed")
        return answers.Json(_document(workflow, step, job, self._state.clock.now(), is_detailed=is_detailed))


def _document(
    workflow: state.Workflow, step: state.Step, job: state.Job, moment: datetime, *, is_detailed: bool
) -> documents.Document:
    happened_at = job.completed_at or job.started_at or workflow.created_at
    event: documents.Document = {
        "type": job.status.capitalize(),
        "dateTime": clock.text(happened_at),
        "provider": "SandboxAI",
        "workerId": f"sandbox-{int(job.id[:2], 16) % 4}",
    }
    if job.started_at and job.completed_at:
        event["jobDuration"] = f"0{job.completed_at - job.started_at}"  # hours:minutes:seconds.fraction
    if is_detailed:
        event["context"] = {**_CONTEXT, "nsfwLevel": "x" if step.scenario.mature else "pg"}
        if step.scenario.withheld is not None:
            event["context"]["blocked_reason"] = step.scenario.withheld
    return {
        "jobId": job.id,
        "job": {
            "id": job.id,
            "type": step.type[:1].upper() + step.type[1:],
            "createdAt": clock.text(workflow.created_at),
            "params": {"prompt": step.input.get("prompt"), "negativePrompt": step.input.get("negativePrompt")},
            "properties": {"workflowId": workflow.id},
            "promptClassificationResult": {"sexual": step.scenario.mature, "young": False, "cr": False, "scan": True},
        },
        "lastEvent": event,
        "result": [
            {"blobKey": blob.id, "available": blob.is_available(moment) and blob.scenario.withheld is None}
            for blob in step.blobs
            if blob.job_id == job.id
        ],
        "cost": documents.JOB_COST,
    }
