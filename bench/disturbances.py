"""What a drill does to an archive while it works, each the way it happens: killed, emptied, taken away."""

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from archive import queue
from bench import processes
from bench.house import House

AWAY_SECONDS = (1.0, 5.0)
REFUSED_SECONDS = 4.0


@dataclass(frozen=True)
class Scene:
    """Where the drill plays."""

    house: House
    workers: Sequence[processes.Process]
    api_url: str
    faults: Mapping[str, object]
    dice: random.Random

    async def wait(self) -> None:
        """For as long as something is away."""
        await asyncio.sleep(self.dice.uniform(*AWAY_SECONDS))


Disturbance = Callable[[Scene], Awaitable[datetime]]
"""Disturbs, and tells since when nothing more is in the way of the work."""


async def kill_a_worker(scene: Scene) -> datetime:
    """SIGKILL, in whatever it was doing."""
    now = datetime.now(UTC)
    while not scene.dice.choice(scene.workers).kill():
        await asyncio.sleep(0.1)  # that one is just being started
        now = datetime.now(UTC)
    return now


async def kill_all_workers(scene: Scene) -> datetime:
    """SIGKILL for every one of them at once."""
    now = datetime.now(UTC)
    for worker in scene.workers:
        worker.kill()
    return now


async def wipe_valkey(scene: Scene) -> datetime:
    """FLUSHALL: every message is lost."""
    async with queue.client(scene.house.addresses.redis_url) as redis:
        await redis.flushall()
    return datetime.now(UTC)


async def kill_valkey(scene: Scene) -> datetime:
    """SIGKILL, with what it had kept, and back after a while."""
    valkey = scene.house.supervisor.valkey
    await asyncio.to_thread(valkey.kill)
    await scene.wait()
    shutil.rmtree(valkey.directory / "appendonlydir", ignore_errors=True)
    await asyncio.to_thread(valkey.start)
    return datetime.now(UTC)


async def kill_postgres(scene: Scene) -> datetime:
    """SIGKILL, and back after a while."""
    postgres = scene.house.supervisor.postgres
    await asyncio.to_thread(postgres.kill)
    await scene.wait()
    await asyncio.to_thread(postgres.start)
    await scene.house.engine.dispose()  # our own connections broke as well
    return datetime.now(UTC)


async def take_storage_away(scene: Scene) -> datetime:
    """Its directory is not where it was, as when a volume is unmounted, and back after a while."""
    root = scene.house.storage
    away = root.with_name("storage.away")
    root.rename(away)
    try:
        await scene.wait()
    finally:
        _remove_mount_point(scene)
        away.rename(root)
    return datetime.now(UTC)


async def refuse_the_token(scene: Scene) -> datetime:
    """Civitai answers 401 to everything, for a while."""
    async with httpx.AsyncClient(base_url=scene.api_url, trust_env=False) as http:
        wish = {"faults": scene.faults, "tokenRefused": REFUSED_SECONDS}
        (await http.post("/sandbox/faults", json=wish)).raise_for_status()
    await asyncio.sleep(REFUSED_SECONDS)
    return datetime.now(UTC)


ROUND: Sequence[Disturbance] = (
    kill_a_worker,
    wipe_valkey,
    kill_postgres,
    kill_a_worker,
    take_storage_away,
    kill_all_workers,
    kill_valkey,
    refuse_the_token,
)
PROMISED = frozenset({kill_a_worker, kill_all_workers, wipe_valkey})
"""Those after which the work must have gone on within half a minute."""


def _remove_mount_point(scene: Scene) -> None:
    """What was made meanwhile in the volume's place: directories perhaps, never a file."""
    root = scene.house.storage
    if root.exists():
        files = [path for path in root.rglob("*") if path.is_file()]
        if files:
            raise AssertionError(f"while its volume was away, storage was written to: {files[:3]}")
        shutil.rmtree(root)
