"""The three callback bodies. Step and job events carry no timestamp; `details` come only where asked for."""

from collections.abc import Callable
from typing import Any

from sandbox import callbacks, clock, documents
from sandbox.state import Job, Step, Workflow

Body = dict[str, Any]


class Events:
    """Tells every registered callback of a workflow what happened to it."""

    def __init__(self, rendering: documents.Documents, deliveries: callbacks.Deliveries, time: clock.Clock) -> None:
        self._documents, self._deliveries, self._clock = rendering, deliveries, time

    def workflow(self, workflow: Workflow) -> None:
        """The workflow has reached its status."""
        body = {
            "$type": "workflow",
            "workflowId": workflow.id,
            "status": workflow.status,
            "timestamp": clock.text(self._clock.now()),
        }
        self._post(workflow, "workflow", body, lambda: self._documents.workflow_details(workflow))

    def step(self, workflow: Workflow, step: Step) -> None:
        """The step has reached its status."""
        body: Body = {
            "$type": "step",
            "workflowId": workflow.id,
            "name": step.name,
            "status": step.status,
        }
        if step.status == "preparing":
            body["preparation"] = {
                "resource": "urn:air:sandbox:model:1",
                "queuePosition": 0,
                "progress": 0.5,
                "etaSeconds": 1,
            }
        self._post(workflow, "step", body, lambda: self._documents.step_details(step))

    def job(self, workflow: Workflow, step: Step, job: Job, progress: float | None = None) -> None:
        """The job has reached its status, or got on with it. Only here is it told why a job failed."""
        body: Body = {
            "$type": "job",
            "workflowId": workflow.id,
            "stepName": step.name,
            "jobId": job.id,
            "status": job.status,
        }
        if step.scenario.mature:
            body["matureContent"] = True
        if progress is not None:
            body["progress"] = progress
        if job.status == "failed":
            body["reason"] = step.scenario.reason or "The sandbox was asked to fail this step."
            if step.scenario.blocked_reason:
                body["blockedReason"] = step.scenario.blocked_reason
        self._post(workflow, "job", body, None)

    def _post(self, workflow: Workflow, scope: str, body: Body, details: Callable[[], Body] | None) -> None:
        for registration in workflow.registrations:
            if registration.wants(scope, body["status"]):
                told = {**body, "details": details()} if registration.detailed and details else body
                self._deliveries.post(workflow, registration.url, told)
