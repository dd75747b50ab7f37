"""How workflows, steps, jobs and blobs look on the wire. Every rendering signs its URLs afresh."""

from datetime import datetime
from typing import Any

from sandbox import clock, outputs, signing
from sandbox.state import TERMINAL, Blob, Job, Step, Workflow

JOB_COST = 4  # Buzz
Document = dict[str, Any]


class Documents:
    """Renders with one signer."""

    def __init__(self, signer: signing.Signer) -> None:
        self._signer = signer

    def workflow(self, workflow: Workflow) -> Document:
        """The whole document, as GET, query and submit answer it."""
        moment = clock.now()
        total = JOB_COST * sum(len(step.jobs) for step in workflow.steps)
        return {
            "id": workflow.id,
            "status": workflow.status,
            "createdAt": clock.text(workflow.created_at),
            **_times(workflow),
            "tags": workflow.tags,
            "metadata": workflow.metadata,
            "arguments": {},
            "steps": [self._step(step, moment) for step in workflow.steps],
            "callbacks": [],
            "cost": {"base": total, "total": total, "tips": {"civitai": 0, "creators": 0}},
            "nsfwLevel": "pg",
            "upgradeMode": "manual",
            "currencies": ["yellow"],
            **workflow.fields,
        }

    def workflow_details(self, workflow: Workflow) -> Document:
        """`details` of a workflow event."""
        moment = clock.now()
        return {
            "metadata": workflow.metadata,
            "arguments": workflow.fields.get("arguments", {}),
            "createdAt": clock.text(workflow.created_at),
            **_times(workflow),
            "steps": [
                {
                    "name": step.name,
                    "status": step.status,
                    **_times(step),
                    "metadata": step.metadata,
                    "input": step.input,
                    **self._output(step, moment),
                    "cost": JOB_COST * len(step.jobs),
                }
                for step in workflow.steps
            ],
        }

    def step_details(self, step: Step) -> Document:
        """`details` of a step event."""
        return {
            **_times(step),
            "retries": 0,
            "metadata": step.metadata,
            "input": step.input,
            **self._output(step, clock.now()),
        }

    def blob(self, blob: Blob) -> Document:
        """One blob, as refresh answers it."""
        return self._blob(blob, clock.now())

    def _step(self, step: Step, moment: datetime) -> Document:
        return {
            "$type": step.type,
            "name": step.name,
            "status": step.status,
            "priority": "normal",
            **step.fields,
            **_times(step),
            "metadata": step.metadata,
            "jobs": [_job(job) for job in step.jobs],
            "input": step.input,
            **self._output(step, moment),
        }

    def _output(self, step: Step, moment: datetime) -> Document:
        return {} if step.output is None else {"output": self._render(step.output, moment)}

    def _render(self, tree: Any, moment: datetime) -> Any:
        match tree:
            case Blob():
                return self._blob(tree, moment)
            case outputs.Address():
                return self._signer.url(tree.blob.id, moment)
            case outputs.Expiry():
                return self._signer.expiry(moment)
            case dict():
                return {key: self._render(value, moment) for key, value in tree.items()}
            case list():
                return [self._render(value, moment) for value in tree]
            case _:
                return tree

    def _blob(self, blob: Blob, moment: datetime) -> Document:
        document = {
            "id": blob.id,
            "available": True,
            "url": self._signer.url(blob.id, moment),
            "urlExpiresAt": self._signer.expiry(moment),
            "jobId": blob.job_id,
        }
        if blob.type is None:
            return document
        document |= {"type": blob.type, "nsfwLevel": "pg", **blob.facts}
        if blob.preview:
            document["previewUrl"] = self._signer.url(blob.preview.id, moment)
            document["previewUrlExpiresAt"] = self._signer.expiry(moment)
        return document


def _job(job: Job) -> Document:
    document: Document = {"id": job.id, "status": job.status, **_times(job), "cost": JOB_COST}
    if job.status not in TERMINAL and job.status != "processing":
        document["queuePosition"] = {"support": "available", "precedingJobs": 0}
    return document


def _times(subject: Workflow | Step | Job) -> Document:
    times = {"startedAt": subject.started_at, "completedAt": subject.completed_at}
    return {key: clock.text(moment) for key, moment in times.items() if moment is not None}
