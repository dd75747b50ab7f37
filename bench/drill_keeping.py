"""Whether an archive keeps a month of life, whatever is lost, damaged, dropped and pruned: `make drill-keeping`.

    python -m bench.drill_keeping [--days 30] [--workflows 6] [--seed N]

A stand-in orchestrator whose clock moves on a day at a time, a receiver and two workers as processes of their own.
Each day workflows of every step type are submitted; of some no callback, or not every one, ever arrives. Now and then
operators reconcile, verify, prune, redrive, backfill and export, always two of them with the same command at once, and
always while workers work. Stored objects rot and disappear. On one day the database is dropped and rebuilt from
storage, and every row is held against what it was.

At the end what is kept must be exactly what the stand-in had, but for the tag that was pruned. The last line is JSON;
the exit code is 1 when something is missing, too much, or different.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from archive import storage
from bench import drill_rows, drills, house, kept_rows, month, month_verdict, operators
from migrations.upgrade import upgrade
from orchestration import retry
from orchestration.client import Client
from orchestration.wire import JsonObject
from sandbox.server import Sandbox
from worker import close_segments
from worker.tools import open_tools

DAY = timedelta(days=1)
RECONCILE_EVERY, DAMAGE_EVERY = 5, 7  # days
DAMAGED_AT_ONCE = 5
FRESH = timedelta(days=20)
"""Only what Civitai has for a while yet is damaged: it is to be had again."""
MOMENT = timedelta(seconds=10)
LATE_CALLBACKS = 1.0
LONGEST_QUIET, GLANCE = 120.0, 0.1
PATIENT = retry.Schedule(delays=(0.2, 0.5, 1.0, 2.0, 5.0), repeats_last=True)


class Drill:
    """One month. `broken` has a sentence for everything that is not as it must be."""

    def __init__(self, ours: house.House, sandbox: Sandbox, civitai: Client, dice: random.Random) -> None:
        self.house, self.sandbox, self.civitai, self.dice = ours, sandbox, civitai, dice
        self.broken: list[str] = []
        self.damaged = self.rebuilt_rows = self.differing_rows = 0
        self.began = time.monotonic()

    def say(self, sentence: str) -> None:
        """Tell whoever watches."""
        print(f"{time.monotonic() - self.began:6.1f} s  {sentence}", flush=True)

    async def live(self, days: Sequence[Sequence[JsonObject]]) -> None:
        """Day after day, and on some of them what operators do and disks suffer."""
        drop_on, prune_on = len(days) * 2 // 3, len(days) // 2
        for day, bodies in enumerate(days):
            if day == prune_on:  # while the day's work is under way
                await asyncio.gather(self._work(bodies), self._prune())
            elif day % DAMAGE_EVERY == DAMAGE_EVERY - 1:
                await asyncio.gather(self._work(bodies), self._rot())
            else:
                await self._work(bodies)
            if day % RECONCILE_EVERY == RECONCILE_EVERY - 1 or day == drop_on:
                await self.operate({0}, "reconcile")
                await self._idle()
            if day == drop_on:
                await self._drop_and_rebuild()
            self.sandbox.state.clock.forward(DAY)
        await self.operate({0}, "reconcile")
        await self.operate({0}, "backfill")
        await self._idle()
        await self.operate({0}, "redrive", "--dead")
        await self._prune()
        await self._idle()
        await self.operate({0}, "verify", "--all")

    async def operate(self, allowed: set[int], *command: str | Path) -> None:
        """Have two operators do the same at once; neither may end otherwise than allowed."""
        done = await operators.run_twice(self.house.environment, *command)
        self.say(f"{' '.join(map(str, command))}, twice at once: {done[0].code} and {done[1].code}")
        for one in done:
            if one.code not in allowed:
                self.broken.append(f"{command} ended with {one.code}: {one.said[-500:]}")

    async def export(self, to: Path) -> int:
        """Export everything to two directories at once; how many files of the first are what its list says."""
        commands = [operators.run(self.house.environment, "export", "--to", to / name) for name in ("first", "second")]
        for one in await asyncio.gather(*commands):
            if one.code:
                self.broken.append(f"an export ended with {one.code}: {one.said[-500:]}")
        return await asyncio.to_thread(month_verdict.exported, to / "first")

    async def _work(self, bodies: Sequence[JsonObject]) -> None:
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                group.create_task(self.civitai.submit(body))
        await asyncio.gather(*(workflow.ended.wait() for workflow in self.sandbox.state.workflows.values()))
        await asyncio.sleep(LATE_CALLBACKS)
        await self._idle()

    async def _prune(self) -> None:
        await self.operate({0}, "prune", "--delete", "contents", "--tag", month.DRAFT, "--grace", "0s")

    async def _rot(self) -> None:
        """Damage what was stored of late; operators find it, and workers fetch it again."""
        since = self.sandbox.state.clock.now() - FRESH
        fresh = {
            place.blob.file.sha256
            for place in self.sandbox.state.places
            if month.is_wanted(place) and place.workflow.created_at > since
        }
        stored = await month_verdict.stored(self.house.engine)
        chosen = self.dice.sample(sorted(fresh & set(stored.values())), DAMAGED_AT_ONCE)
        files = [self.house.storage / storage.object_name(bytes.fromhex(digest)) for digest in chosen]
        await asyncio.to_thread(month.damage, files, self.dice)
        self.damaged += len(files)
        await self.operate({0, 1}, "verify", "--all")

    async def _drop_and_rebuild(self) -> None:
        """Lose the database under the eyes of receiver and workers, and have it all back from storage."""
        async with open_tools(self.house.config) as tools:
            await close_segments.close(tools, after=timedelta(0))
        engine = self.house.engine
        before = await kept_rows.dump(engine)
        await engine.dispose()
        await _drop(self.house.addresses.database_url)
        await asyncio.to_thread(upgrade, self.house.addresses.database_url)
        done = await operators.run_twice(self.house.environment, "rebuild")
        self.say(f"the database was dropped; rebuild, twice at once: {done[0].code} and {done[1].code}")
        if 0 not in {one.code for one in done} or not {one.code for one in done} <= {0, 1}:
            self.broken.append(f"rebuild ended with {[one.code for one in done]}: {done[0].said[-500:]}")
        after = await kept_rows.dump(engine)
        differing = kept_rows.differing(before, after)
        self.rebuilt_rows += sum(rows.total() for rows in after.values())
        self.differing_rows += len(differing)
        self.broken += differing[:20]
        self.say(f"{self.rebuilt_rows} rows are back, {len(differing)} of them differ")

    async def _idle(self) -> None:
        """Wait until nothing is owed; what is put off is done at once, since time passes quickly here."""
        began, engine = time.monotonic(), self.house.engine
        while await drill_rows.obliged(engine) or not await drill_rows.is_idle(engine):
            if time.monotonic() - began > LONGEST_QUIET:
                self.broken.append(f"the archive has not come to rest within {LONGEST_QUIET:.0f} s")
                return
            if await drill_rows.is_idle(engine):
                await drill_rows.let_pass(engine, MOMENT)
                await self.house.ring(await drill_rows.owed(engine))  # the sweep would, a bit later
            await asyncio.sleep(GLANCE)


async def drill(arguments: argparse.Namespace, home: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and in sentences all that is not as it must be."""
    async with contextlib.AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(seed=arguments.seed))
        standing = house.standing(home, api_url=sandbox.api_url, token=sandbox.token)
        ours = await stack.enter_async_context(standing)
        civitai = await stack.enter_async_context(Client(sandbox.api_url, sandbox.token, retries=PATIENT))
        run = Drill(ours, sandbox, civitai, random.Random(arguments.seed))
        await stack.enter_async_context(ours.receiver())
        async with ours.worker("worker-1"), ours.worker("worker-2"):
            await run.live(list(month.days(arguments.days, arguments.workflows, arguments.seed, ours.callback)))
            exported = await run.export(home / "exported")
        run.say("the workers have stopped; every row and every file is looked at")
        verdict = await month_verdict.judge(ours.engine, ours.storage, sandbox.state, sandbox.chance)
        run.broken += [*verdict.missing, *verdict.extra]
        if exported != verdict.kept:
            run.broken.append(f"{exported} files were exported as they are, and {verdict.kept} results are kept")
    figures = {
        **verdict.counts,
        "rebuilt_rows": run.rebuilt_rows,
        "differing_rows": run.differing_rows,
        "workflows": len(sandbox.state.workflows),
        "damaged": run.damaged,
        "exported": exported,
        "faults": sandbox.chance.struck,
        "seconds": round(time.monotonic() - run.began),
        "seed": arguments.seed,
    }
    return figures, run.broken


def main() -> int:
    """Run the drill and tell what came of it."""
    parser = drills.parser("bench.drill_keeping")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--workflows", type=int, default=6, help="a day")
    return drills.run("drill-keeping", drill, parser.parse_args())


async def _drop(database_url: str) -> None:
    """Drop the database, whoever is connected to it, and make an empty one of its name."""
    connection = await asyncpg.connect(database_url.replace("/archive?", "/postgres?"))
    try:
        await connection.execute("DROP DATABASE archive WITH (FORCE)")
        await connection.execute("CREATE DATABASE archive")
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
