"""How workflows, steps, jobs and blobs look on the wire. Every rendering signs its URLs afresh."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import clock, outputs, signing
from sandbox.state import TERMINAL, Blob, Job, Step, Workflow

JOB_COST = 4  # Buzz
Document = dict[str, Any]


@dataclass(frozen=True)
class View:
    """For whom and when something is rendered: without mature content, or after a refresh, which knows best."""

    moment: datetime
    hide_mature: bool = False
    is_refresh: bool = False


class Documents:
    """Renders with one signer by one clock; `api_url` is where placeholders are."""

    def __init__(self, signer: signing.Signer, time: clock.Clock, api_url: str) -> None:
        self._signer, self._clock, self._api_url = signer, time, api_url

    def workflow(self, workflow: Workflow, *, hide_mature: bool = False) -> Document:
        """The whole document, as GET, query and submit answer it."""
        view = View(self._clock.now(), hide_mature=hide_mature)
        total = JOB_COST * sum(len(step.jobs) for step in workflow.steps)
        return {
            "id": workflow.id,
            "status": workflow.status,
            "createdAt": clock.text(workflow.created_at),
            **_times(workflow),
            "tags": workflow.tags,
            "metadata": workflow.metadata,
            "arguments": {},
            "steps": [self._step(step, view) for step in workflow.steps],
            "callbacks": [],
            "cost": {"base": total, "total": total, "tips": {"civitai": 0, "creators": 0}},
            "nsfwLevel": "x" if workflow.scenario.mature else "pg",
            "upgradeMode": "manual",
            "currencies": ["yellow"],
            **workflow.fields,
        }

    def workflow_details(self, workflow: Workflow) -> Document:
        """`details` of a workflow event."""
        view = View(self._clock.now())
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
                    **self._output(step, view),
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
            **self._output(step, View(self._clock.now())),
        }

    def step(self, step: Step) -> Document:
        """One step, as it stands in the document of its workflow."""
        return self._step(step, View(self._clock.now()))

    def refreshed_blob(self, blob: Blob) -> Document:
        """One blob, as refresh answers it."""
        return self._blob(blob, View(self._clock.now(), is_refresh=True))

    def url(self, blob: Blob) -> str:
        """A fresh signed address of the blob."""
        return self._signer.url(blob.id, self._clock.now(), blob.scenario.url_seconds)

    def placeholder_url(self, blob: Blob) -> str:
        """Where the image is that stands in a withheld blob's place."""
        return f"{self._api_url}/v2/consumer/blobs/blocked/{blob.placeholder_token}"

    def _step(self, step: Step, view: View) -> Document:
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
            **self._output(step, view),
        }

    def _output(self, step: Step, view: View) -> Document:
        return {} if step.output is None else {"output": self._render(step.output, view)}

    def _render(self, tree: Any, view: View) -> Any:
        match tree:
            case Blob():
                return self._blob(tree, view)
            case outputs.Address():
                return self._access(tree.blob, view)["url"]
            case outputs.Expiry():
                return self._signer.expiry(view.moment)
            case dict():
                return {key: self._render(value, view) for key, value in tree.items()}
            case list():
                return [self._render(value, view) for value in tree]
            case _:
                return tree

    def _blob(self, blob: Blob, view: View) -> Document:
        access = self._access(blob, view)
        document = {"id": blob.id, **access, "jobId": blob.job_id}
        if blob.type is None:
            return document
        document |= {"type": blob.type, "nsfwLevel": blob.nsfw_level, **blob.facts}
        if blob.preview and access["available"]:
            document["previewUrl"], document["previewUrlExpiresAt"] = self._signed(blob.preview, view)
        return document

    def _access(self, blob: Blob, view: View) -> Document:
        """Whether and where a blob can be had, and why not."""
        play = blob.scenario
        # Behind a redirect, a document still promises what only the URL and a refresh show to be withheld.
        if play.withheld is not None and (play.placeholder != "redirect" or view.is_refresh):
            return {"available": False, "blockedReason": play.withheld, "url": self.placeholder_url(blob)}
        if not blob.is_available(view.moment) or (play.mature and view.hide_mature):
            return {"available": False, "url": None}
        url, expires = self._signed(blob, view)
        return {"available": True, "url": url, "urlExpiresAt": expires}

    def _signed(self, blob: Blob, view: View) -> tuple[str, str]:
        seconds = blob.scenario.url_seconds
        return self._signer.url(blob.id, view.moment, seconds), self._signer.expiry(view.moment, seconds)


def _job(job: Job) -> Document:
    document: Document = {"id": job.id, "status": job.status, **_times(job), "cost": JOB_COST}
    if job.status not in TERMINAL and job.status != "processing":
        document["queuePosition"] = {"support": "available", "precedingJobs": 0}
    return document


def _times(subject: Workflow | Step | Job) -> Document:
    times = {"startedAt": subject.started_at, "completedAt": subject.completed_at}
    return {key: clock.text(moment) for key, moment in times.items() if moment is not None}
