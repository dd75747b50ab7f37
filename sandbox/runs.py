"""The run of a workflow in the background, from `unassigned` to its end.

1. The workflow is told as `unassigned`.
2. Its steps are played one after the other: `preparing`, `scheduled`, `processing`, their jobs beside them, and
   then the outcome that the step's scenario names. The workflow follows its first step into each status.
3. The first outcome other than `succeeded` is the workflow's too; steps that were not reached are `canceled`.
4. The workflow ends once its last step has, and only then are those who wait for it woken.

A workflow that is canceled meanwhile ends where it is, and so do the steps that had not ended.
"""

import asyncio

from sandbox import events, outputs, state

_PROGRESS = (0.25, 0.5, 0.75)


class Runs:
    """Plays workflows, each in a task of its own."""

    def __init__(self, memory: state.State, telling: events.Events) -> None:
        self._state, self._events = memory, telling
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by workflow id
        self._cached: dict[tuple[str | None, str], asyncio.Task[outputs.Builder]] = {}

    def start(self, workflow: state.Workflow) -> None:
        """Begin to play, and return at once."""
        task = self._tasks[workflow.id] = asyncio.create_task(self._play(workflow))
        task.add_done_callback(lambda _: self._tasks.pop(workflow.id, None))

    def cancel(self, workflow: state.Workflow) -> None:
        """End a workflow that still runs as `canceled`, and tell so; one that has ended stays as it is."""
        if workflow.status in state.TERMINAL:
            return
        self._stop(workflow)
        for step in workflow.steps:
            if step.status not in state.TERMINAL:
                self._step_reaches(workflow, step, "canceled")
        self._workflow_reaches(workflow, "canceled")

    def forget(self) -> None:
        """Stop every run where it is, and tell nobody but those who wait."""
        for workflow in self._state.workflows.values():
            self._stop(workflow)

    async def close(self) -> None:
        """Stop every run where it is, and wake those who wait for one."""
        tasks = list(self._tasks.values())
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self, workflow: state.Workflow) -> None:
        if task := self._tasks.get(workflow.id):
            task.cancel()
        workflow.ended.set()

    async def _play(self, workflow: state.Workflow) -> None:
        self._events.workflow(workflow)
        outcome = "succeeded"
        for step in workflow.steps:
            if outcome != "succeeded":
                self._step_reaches(workflow, step, "canceled")
                continue
            await self._play_step(workflow, step)
            outcome = step.scenario.outcome
        self._workflow_reaches(workflow, outcome)
        workflow.ended.set()

    async def _play_step(self, workflow: state.Workflow, step: state.Step) -> None:
        seconds, outcome = step.scenario.seconds, step.scenario.outcome
        for status in ("preparing", "scheduled"):
            self._workflow_follows(workflow, status)
            self._step_reaches(workflow, step, status)
            await asyncio.sleep(seconds * 0.1)
        self._workflow_follows(workflow, "processing")
        self._step_reaches(workflow, step, "processing")
        making = asyncio.create_task(self._make(workflow, step)) if outcome == "succeeded" else None
        try:
            for progress in _PROGRESS:
                await asyncio.sleep(seconds * 0.8 / (len(_PROGRESS) + 1))
                for job in step.jobs:
                    self._events.job(workflow, step, job, progress)
            await asyncio.sleep(seconds * 0.8 / (len(_PROGRESS) + 1))
            if making:
                builder = await making
                step.output = builder.output
                self._state.place(workflow, step, builder.blobs)
        finally:
            if making:
                making.cancel()
        self._step_reaches(workflow, step, outcome)

    async def _make(self, workflow: state.Workflow, step: state.Step) -> outputs.Builder:
        if step.scenario.cached is None:
            return await self._build(workflow, step)
        key, moment = (step.scenario.cached, step.type), self._state.clock.now()
        cached = self._cached.get(key)
        if cached is None or (
            cached.done() and not all(blob.expires_at > moment for blob in cached.result().blobs.values())
        ):
            cached = self._cached[key] = asyncio.create_task(self._build(workflow, step))
        return await asyncio.shield(cached)

    async def _build(self, workflow: state.Workflow, step: state.Step) -> outputs.Builder:
        builder = outputs.Builder(self._state, workflow, step)
        await asyncio.to_thread(builder.build)
        return builder

    def _workflow_follows(self, workflow: state.Workflow, status: str) -> None:
        if workflow.status != "processing":
            self._workflow_reaches(workflow, status)

    def _workflow_reaches(self, workflow: state.Workflow, status: str) -> None:
        self._reach(workflow, status)
        self._events.workflow(workflow)

    def _step_reaches(self, workflow: state.Workflow, step: state.Step, status: str) -> None:
        """The step's jobs go with it, and before it, so that its end is the last that is told of it."""
        for job in step.jobs:
            self._reach(job, status)
            self._events.job(workflow, step, job)
        self._reach(step, status)
        self._events.step(workflow, step)

    def _reach(self, subject: state.Workflow | state.Step | state.Job, status: str) -> None:
        subject.status = status
        if status == "processing":
            subject.started_at = self._state.clock.now()
        elif status in state.TERMINAL:
            subject.completed_at = self._state.clock.now()
