"""The run of a workflow in the background, from `unassigned` to its end.

1. The workflow is told as `unassigned`.
2. Its steps are played one after the other: `preparing`, `scheduled`, `processing`, their jobs beside them, and
   then the outcome that the step's scenario names. The workflow follows its first step into each status.
3. The first outcome other than `succeeded` is the workflow's too; steps that were not reached are `canceled`.
4. The workflow ends once its last step has, and only then are those who wait for it woken.
"""

import asyncio

from sandbox import clock, events, outputs, state

_PROGRESS = (0.25, 0.5, 0.75)


class Runs:
    """Plays workflows, each in a task of its own."""

    def __init__(self, memory: state.State, telling: events.Events) -> None:
        self._state, self._events = memory, telling
        self._tasks: set[asyncio.Task[None]] = set()
        self._cached: dict[tuple[str | None, str], asyncio.Task[outputs.Builder]] = {}

    def start(self, workflow: state.Workflow) -> None:
        """Begin to play, and return at once."""
        task = asyncio.create_task(self._play(workflow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop every run where it is, and wake those who wait for one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for workflow in self._state.workflows.values():
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
        making = asyncio.create_task(self._make_output(workflow, step)) if outcome == "succeeded" else None
        for progress in _PROGRESS:
            await asyncio.sleep(seconds * 0.8 / (len(_PROGRESS) + 1))
            for job in step.jobs:
                self._events.job(workflow, step, job, progress)
        await asyncio.sleep(seconds * 0.8 / (len(_PROGRESS) + 1))
        if making:
            await making
        self._step_reaches(workflow, step, outcome)

    async def _make_output(self, workflow: state.Workflow, step: state.Step) -> None:
        key = (step.scenario.cached, step.type)
        if step.scenario.cached is None:
            builder = await self._build(workflow, step)
        else:
            if key not in self._cached:
                self._cached[key] = asyncio.create_task(self._build(workflow, step))
            builder = await self._cached[key]
        step.output = builder.output
        self._state.place(workflow, step, builder.blobs)

    async def _build(self, workflow: state.Workflow, step: state.Step) -> outputs.Builder:
        builder = outputs.Builder(workflow, step, self._state.retention)
        await asyncio.to_thread(builder.build)
        return builder

    def _workflow_follows(self, workflow: state.Workflow, status: str) -> None:
        if workflow.status != "processing":
            self._workflow_reaches(workflow, status)

    def _workflow_reaches(self, workflow: state.Workflow, status: str) -> None:
        _reach(workflow, status)
        self._events.workflow(workflow)

    def _step_reaches(self, workflow: state.Workflow, step: state.Step, status: str) -> None:
        """The step's jobs go with it, and before it, so that its end is the last that is told of it."""
        for job in step.jobs:
            _reach(job, status)
            self._events.job(workflow, step, job)
        _reach(step, status)
        self._events.step(workflow, step)


def _reach(subject: state.Workflow | state.Step | state.Job, status: str) -> None:
    subject.status = status
    if status == "processing":
        subject.started_at = clock.now()
    elif status in state.TERMINAL:
        subject.completed_at = clock.now()
