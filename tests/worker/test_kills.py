"""Workers that are processes: killed, paused, cut off, told to stop."""

import asyncio
import signal
from pathlib import Path

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import queue, settings
from embedded.supervisor import Addresses
from tests import working
from tests.worker import doors, files, processes, rows
from tests.worker.civitai import Civitai, Gate, blob, content, document, held, picture, step
from tests.working import eventually

CAT = picture(b"a cat, as bytes " * 300_000)  # enough that half of it is in a file, not in memory


async def due(engine: AsyncEngine, redis: ArqRedis, civitai: Civitai, *names: str, gate: Gate) -> None:
    """Workflows of one picture each, of which half comes, and the rest when the gate is open."""
    for name in names:
        picture = blob(name, civitai.serves(name, held(CAT + name.encode(), gate)))
        civitai.workflows[name] = document(name, step("s", picture))
        await rows.tell(engine, name)
    await queue.ring(redis, names)


def serve_all(civitai: Civitai, *names: str) -> None:
    for name in names:
        civitai.serves(name, content(CAT + name.encode()))


async def test_kill_9_in_mid_download_loses_nothing(
    environment_there: dict[str, str],
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    storage: Path,
    tmp_path: Path,
) -> None:
    gate, names = Gate(), [f"w{number}" for number in range(5)]
    await due(engine, redis, civitai, *names, gate=gate)
    async with processes.worker(environment_there, tmp_path / "log") as first:
        await eventually(lambda: _all_are_downloading(civitai, len(names)))
        await eventually(lambda: _are_half_received(storage, len(names)))
        first.send_signal(signal.SIGKILL)
        await first.wait()
    serve_all(civitai, *names)
    async with processes.worker(environment_there, tmp_path / "log"):
        await eventually(lambda: rows.archived(engine, len(names)), what="archiving after a kill")
    gate.opened.set()
    assert files.half_received(storage) == []
    assert len(files.objects(storage)) == len(names)


async def test_a_paused_process_that_was_overtaken_says_so_and_writes_nothing(
    environment_there: dict[str, str],
    config_there: settings.Settings,
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    tmp_path: Path,
) -> None:
    gate = Gate()
    await due(engine, redis, civitai, "w", gate=gate)
    async with processes.worker(environment_there, tmp_path / "log") as paused:
        await gate.arrived.wait()
        paused.send_signal(signal.SIGSTOP)
        serve_all(civitai, "w")
        await rows.execute(engine, "UPDATE workflows SET leased_until = now() - interval '1 s'")
        async with working.worker(config_there):
            await queue.ring(redis, ["w"])
            await eventually(lambda: rows.archived(engine))
        before = await rows.select(engine, "SELECT * FROM workflows JOIN results ON workflow_id = workflows.id")
        gate.opened.set()
        paused.send_signal(signal.SIGCONT)

        async def it_says_so() -> bool:
            return b"overtaken" in (tmp_path / "log").read_bytes()

        await eventually(it_says_so)
        assert await rows.select(engine, "SELECT * FROM workflows JOIN results ON workflow_id = workflows.id") == before
        assert await rows.select(engine, "SELECT 1 FROM attempts") == []


async def test_losing_redis_ends_the_process_and_the_next_one_goes_on(
    environment_there: dict[str, str],
    addresses: Addresses,
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    storage: Path,
    tmp_path: Path,
) -> None:
    gate = Gate()
    async with doors.before_valkey(addresses) as door:
        environment_there["REDIS_URL"] = f"redis://{door.address}"
        await due(engine, redis, civitai, "w", gate=gate)
        async with processes.worker(environment_there, tmp_path / "log") as first:
            await gate.arrived.wait()
            await door.shut()
            await redis.flushall()
            await due(engine, redis, civitai, "later", gate=gate)
            gate.opened.set()  # what it has begun may end
            assert await asyncio.wait_for(first.wait(), timeout=60) == 1
        await door.open()
        async with processes.worker(environment_there, tmp_path / "log"):
            await eventually(lambda: rows.archived(engine, 2))
    assert files.half_received(storage) == []


async def test_a_database_that_is_away_for_a_while_ends_neither_the_worker_nor_the_work(
    environment_there: dict[str, str],
    addresses: Addresses,
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    tmp_path: Path,
) -> None:
    gate = Gate()
    async with doors.before_postgres(addresses) as door:
        environment_there["DATABASE_URL"] = f"postgresql://archive@{door.address}/archive"
        await due(engine, redis, civitai, "w", gate=gate)
        async with processes.worker(environment_there, tmp_path / "log") as process:
            await gate.arrived.wait()
            await door.shut()
            await asyncio.sleep(3)  # a sweep comes and fails
            await door.open()
            gate.opened.set()
            await eventually(lambda: rows.archived(engine))
            assert process.returncode is None
    assert civitai.calls.count("GET /w") == 1


async def test_sigterm_lets_a_running_download_end(
    environment_there: dict[str, str],
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    tmp_path: Path,
) -> None:
    gate = Gate()
    await due(engine, redis, civitai, "w", gate=gate)
    async with processes.worker(environment_there, tmp_path / "log") as process:
        await gate.arrived.wait()
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert process.returncode is None
        await due(engine, redis, civitai, "too late", gate=gate)
        gate.opened.set()
        assert await asyncio.wait_for(process.wait(), timeout=60) == 0
    late = await rows.one(engine, "SELECT * FROM workflows WHERE id = 'too late'")
    assert (late["attempts"], late["archived_at"]) == (0, None)
    assert (await rows.one(engine, "SELECT archived_at FROM workflows WHERE id = 'w'"))["archived_at"]


async def test_what_a_drain_cannot_finish_is_released_and_the_next_worker_goes_on_at_once(
    environment_there: dict[str, str],
    engine: AsyncEngine,
    redis: ArqRedis,
    civitai: Civitai,
    storage: Path,
    tmp_path: Path,
) -> None:
    gate = Gate()
    await due(engine, redis, civitai, "w", gate=gate)
    async with processes.worker(environment_there, tmp_path / "log", script=processes.WITH_A_SHORT_DRAIN) as process:
        await gate.arrived.wait()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), timeout=60) == 0
    released = await rows.one(engine, "SELECT leased_until, due_at <= now() AS is_due, failures FROM workflows")
    assert dict(released) == {"leased_until": None, "is_due": True, "failures": 0}
    assert files.half_received(storage) == []

    serve_all(civitai, "w")
    async with processes.worker(environment_there, tmp_path / "log"):
        await eventually(lambda: rows.archived(engine), what="going on")
    gate.opened.set()
    assert "Traceback" not in await asyncio.to_thread((tmp_path / "log").read_text)


async def _all_are_downloading(civitai: Civitai, count: int) -> bool:
    return len(civitai.heads) == count


async def _are_half_received(storage: Path, count: int) -> bool:
    return len(files.half_received(storage)) == count
