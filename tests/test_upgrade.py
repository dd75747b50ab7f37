"""The release before goes on while the tables are already new: its processes beside ours, on one database."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, settings
from orchestration import client
from sandbox.server import Sandbox
from tests.cli import commands
from tests.conftest import SECRET
from tests.worker import rows
from tests.working import eventually

HOUSE = Path(__file__).parents[1]
ROOMS = ("archive", "cli", "embedded", "migrations", "orchestration", "receiver", "sandbox", "worker")


def git(*arguments: str) -> bytes:
    """What git says; empty where there is none, or it does not know."""
    try:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=HOUSE, capture_output=True, check=True, timeout=30).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The house as it stood before the newest migration."""
    newest = ScriptDirectory(str(HOUSE / "migrations")).get_revision("head").path
    if git("status", "--porcelain", "--", newest):
        commit = "HEAD"
    else:
        commit = git("log", "--diff-filter=A", "--format=%H~1", "-1", "--", newest).decode().strip()
    packed = git("archive", commit, *ROOMS) if commit else b""
    if not packed:
        pytest.skip("there is no git history from before the newest migration")
    place = tmp_path / "before"
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(place, filter="data")
    assert not (place / Path(newest).relative_to(HOUSE)).exists()
    return place


async def test_the_receiver_from_before_the_newest_migration_feeds_our_worker(
    before: Path,
    config: settings.Settings,
    engine: AsyncEngine,
    environment: dict[str, str],
    sandbox: Sandbox,
    worker: Callable[[], AbstractAsyncContextManager[None]],
    free_port: int,
) -> None:
    address = f"http://127.0.0.1:{free_port}"
    arguments = ["-m", "uvicorn", "receiver.app:app", "--port", str(free_port)]
    async with started(before, environment, *arguments) as receiver, httpx.AsyncClient() as http:
        await receiver.answers(f"{address}/ready")
        no_event = await http.post(f"{address}/callbacks?token={SECRET}", json={"no": "event"})
        assert no_event.status_code == 202
        async with worker():
            workflow_id = await submitted(sandbox, address, config)
            await eventually(lambda: rows.archived(engine), what="archiving")
        assert "Traceback" not in receiver.said()
    told = await rows.one(engine, "SELECT told_status FROM workflows WHERE id = :id", id=workflow_id)
    assert told["told_status"] == "succeeded"
    assert (await rows.one(engine, "SELECT count(*) AS deliveries FROM quarantine"))["deliveries"] == 1


async def test_the_worker_from_before_the_newest_migration_archives_what_our_receiver_takes(
    before: Path,
    config: settings.Settings,
    engine: AsyncEngine,
    environment: dict[str, str],
    sandbox: Sandbox,
    receiver: str,
) -> None:
    async with started(before, environment, "-m", "arq", "worker.main.WorkerSettings") as worker:
        await submitted(sandbox, receiver, config)
        await eventually(lambda: rows.archived(engine), within=60, what="archiving")
        assert "Traceback" not in worker.said()


def started(
    before: Path, environment: dict[str, str], *arguments: str
) -> AbstractAsyncContextManager[commands.Started]:
    """A module of the house as it stood."""
    old = environment | {"PYTHONPATH": str(before)}
    return commands.started(*arguments, environment=old, program=commands.BIN / "python", directory=before)


async def submitted(sandbox: Sandbox, receiver: str, config: settings.Settings) -> str:
    """The id of a workflow that has ended, and of which the sandbox tells this receiver."""
    callback = access.callbacks_entry(access.callback_url(receiver, config.callback_secrets[0]))
    step = {"$type": "imageGen", "name": "s", "metadata": {"sandbox": {"seconds": 0}}}
    async with client.Client(config.api_url, sandbox.token) as civitai:
        return str((await civitai.submit({"steps": [step], "callbacks": [callback]}, wait=10))["id"])
