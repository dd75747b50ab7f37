"""Whether two workers keep every result while everything around them breaks.

    python -m bench.drill_worker [--workflows 300] [--disturbances 16] [--seed N]

A stand-in orchestrator with every fault it has, a receiver and two workers as processes of their own. Workflows of
every step type are submitted in batches; after each, something is killed, emptied or taken away, and the time is
measured until all that was due or under way is done, claimed again, or in living hands. Then what fails by chance is
left to run out, and every row and file is held against what the stand-in had.

What the drill does itself, as an operator would or as time would: it makes due what no callback ever announced (a
listing finds it), and it moves the times in the rows, so that minutes pass, then hours (a 404 is final only after
one), then the 30 days after which nothing more can be had.

The last line is JSON; the exit code is 1 when a promise is broken.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import disturbances, drill_promises, drill_rows, drill_workflows, drills, house
from bench.disturbances import Disturbance, Scene
from orchestration import retry
from orchestration.client import Client
from orchestration.wire import JsonObject
from sandbox.server import Sandbox

PROMISED_SECONDS = 30.0
"""After the kill of a worker or a wiped Valkey, all that was owed must go on within this time."""

LONGEST_RECOVERY = timedelta(seconds=90)
LONGEST_QUIET = 120.0
LONGEST_LULL = 5.0
LATE_CALLBACKS = 3.0
GLANCE = 0.1
MOMENT, MOMENTS = timedelta(seconds=10), 10
HOUR, HOURS = timedelta(minutes=61), 10
MONTH = timedelta(days=31)
PATIENT = retry.Schedule(delays=(0.2, 0.5, 1.0, 2.0, 5.0), repeats_last=True)


class Drill:
    """One run. `recoveries` has the seconds of each disturbance."""

    def __init__(self, scene: Scene, sandbox: Sandbox, civitai: Client) -> None:
        self.scene, self.sandbox, self.civitai = scene, sandbox, civitai
        self.recoveries: dict[Disturbance, list[float]] = {}
        self.began = time.monotonic()

    def say(self, sentence: str) -> None:
        """Tell whoever watches."""
        print(f"{time.monotonic() - self.began:6.1f} s  {sentence}", flush=True)

    async def submit(self, bodies: Sequence[JsonObject]) -> None:
        """Submit these; with their external ids, whatever becomes of the answers."""
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                group.create_task(self.civitai.submit(body))

    async def disturb(self, disturb: Disturbance) -> None:
        """Disturb while there is work, and measure until all of it goes on."""
        engine = self.scene.house.engine
        await self._until_busy()
        since = await disturb(self.scene)
        owed = await drill_rows.owed(engine)
        while await drill_rows.not_gone_on(engine, owed, since):
            if datetime.now(UTC) - since > LONGEST_RECOVERY:
                break
            await asyncio.sleep(GLANCE)
        seconds = (datetime.now(UTC) - since).total_seconds()
        self.recoveries.setdefault(disturb, []).append(round(seconds, 1))
        self.say(f"{_name(disturb)}: all that was owed, {len(owed)} workflows, went on within {seconds:.1f} s")

    async def settle(self) -> None:
        """Wait until what can be done at once is done; then let time pass, as long as something is wanted."""
        engine = self.scene.house.engine
        await asyncio.gather(*(workflow.ended.wait() for workflow in self.sandbox.state.workflows.values()))
        await asyncio.sleep(LATE_CALLBACKS)
        await self._idle("all workflows have ended, and what was due is done")
        listed = [str(item["id"]) async for item in self.civitai.query_all(take=100)]
        found = await self.scene.house.make_due(listed)
        await self._idle(f"{found} workflows were never announced; a listing has made them due")
        for time_passes, most in ((MOMENT, MOMENTS), (HOUR, HOURS), (MONTH, 2)):
            passed = 0
            while passed < most and await drill_rows.obliged(engine):
                await drill_rows.let_pass(engine, time_passes)
                await self.scene.house.ring(await drill_rows.owed(engine))  # the sweep would, a bit later
                await self._idle(None)
                passed += 1
            left = await drill_rows.obliged(engine)
            self.say(f"{time_passes * passed} have passed; of {left} workflows something is still wanted")

    async def _idle(self, sentence: str | None) -> None:
        began = time.monotonic()
        while not await drill_rows.is_idle(self.scene.house.engine):
            if time.monotonic() - began > LONGEST_QUIET:
                sentence = f"it has not come to rest within {LONGEST_QUIET:.0f} s"
                break
            await asyncio.sleep(GLANCE)
        if sentence:
            self.say(sentence)

    async def _until_busy(self) -> None:
        for _ in range(round(LONGEST_LULL / GLANCE)):
            if not await drill_rows.is_idle(self.scene.house.engine):
                break
            await asyncio.sleep(GLANCE)
        await asyncio.sleep(self.scene.dice.uniform(0, 1.5))


async def drill(arguments: argparse.Namespace, home: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and in sentences every promise that was broken."""
    dice = random.Random(arguments.seed)
    faults = drill_workflows.EVERYWHERE
    async with contextlib.AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(faults=faults, seed=arguments.seed))
        standing = house.standing(home, api_url=sandbox.api_url, token=sandbox.token)
        ours = await stack.enter_async_context(standing)
        civitai = await stack.enter_async_context(Client(sandbox.api_url, sandbox.token, retries=PATIENT))
        await stack.enter_async_context(ours.receiver())
        async with ours.worker("worker-1") as first, ours.worker("worker-2") as second:
            run = Drill(Scene(ours, (first, second), sandbox.api_url, faults, dice), sandbox, civitai)
            bodies = list(drill_workflows.bodies(arguments.workflows, arguments.seed, ours.callback))
            planned = list(itertools.islice(itertools.cycle(disturbances.ROUND), arguments.disturbances))
            batch = -(-len(bodies) // (len(planned) or 1))
            for number, disturb in enumerate(planned):
                await run.submit(bodies[number * batch : (number + 1) * batch])
                await run.disturb(disturb)
            await run.settle()
        run.say("the workers have stopped; every row and every file is looked at")
        verdict = await drill_promises.judge(ours.engine, ours.storage, sandbox.state, sandbox.chance)
    promised = [seconds for each in disturbances.PROMISED for seconds in run.recoveries.get(each, [])]
    worst = max(promised, default=0.0)
    broken = list(verdict.sentences)
    if worst > PROMISED_SECONDS and not arguments.trial:
        broken.append(f"recovery took {worst} s after a killed worker or a wiped Valkey")
    if authorized := sandbox.state.requests_authorized["blob"]:
        broken.append(f"{authorized} requests with an Authorization header reached the blob host")
    figures = {
        "workflows": len(sandbox.state.workflows),
        "results": verdict.results,
        **verdict.counts,
        "authorized": authorized,
        "kills": sum(worker.kills for worker in (first, second)),
        "worst_recovery_s": worst,
        "recoveries_s": {_name(each): seconds for each, seconds in run.recoveries.items()},
        "faults": sandbox.chance.struck,
        "seconds": round(time.monotonic() - run.began),
        "seed": arguments.seed,
    }
    return figures, broken


def main() -> int:
    """Run the drill and tell what came of it."""
    parser = drills.parser("bench.drill_worker")
    parser.add_argument("--workflows", type=int, default=300)
    parser.add_argument("--disturbances", type=int, default=2 * len(disturbances.ROUND), help="one after another")
    return drills.run("drill-worker", drill, parser.parse_args())


def _name(disturb: Disturbance) -> str:
    return disturb.__name__.replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
