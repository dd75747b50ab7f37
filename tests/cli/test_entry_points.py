"""The conventional ways to start what `civitai-archive` starts."""

import signal
from pathlib import Path

import httpx
from sqlalchemy import text

from archive import database
from tests.cli import commands
from tests.cli.conftest import SECRET

ROOT = Path(__file__).parents[2]


async def test_uvicorn_serves_the_receiver(servers: dict[str, str], free_port: int) -> None:
    environment = servers | {"CALLBACK_SECRETS": f"cli:{SECRET}"}
    arguments = ["receiver.app:app", "--port", str(free_port)]
    async with commands.started(*arguments, environment=environment, program=commands.BIN / "uvicorn") as uvicorn:
        async with httpx.AsyncClient() as http:
            await uvicorn.answers(f"http://127.0.0.1:{free_port}/ready")
            url = f"http://127.0.0.1:{free_port}/callbacks?token={SECRET}"
            event = {"$type": "workflow", "workflowId": "w-1", "status": "processing"}
            assert (await http.post(url, json=event)).status_code == 202
        uvicorn.send(signal.SIGTERM)
        await uvicorn.ends()
    assert SECRET not in uvicorn.said()


async def test_arq_runs_the_worker(servers: dict[str, str], account: dict[str, str]) -> None:
    arguments = ["worker.main.WorkerSettings"]
    async with commands.started(*arguments, environment=servers | account, program=commands.BIN / "arq") as arq:
        await arq.says("Starting worker")
        await arq.says("sweep")
        arq.send(signal.SIGTERM)
        assert await arq.ends() == 0


async def test_alembic_makes_the_tables(alone: dict[str, str], without_tables: str) -> None:
    environment = alone | {"DATABASE_URL": without_tables}
    script = f'cd "{ROOT}" && "{commands.BIN}/alembic" upgrade head'
    done = await commands.run("-c", script, environment=environment, program=Path("/bin/sh"))
    assert done.code == 0, done.err
    async with database.connect_once(without_tables, application_name="tests") as connection:
        assert (await connection.execute(text("SELECT count(*) FROM events"))).scalar() == 0


async def test_what_is_missing_is_one_sentence_there_too(alone: dict[str, str]) -> None:
    for program, argument, sentence in (
        ("uvicorn", "receiver.app:app", "CALLBACK_SECRETS is not set"),
        ("arq", "worker.main.WorkerSettings", "CIVITAI_API_TOKEN is not set"),
    ):
        done = await commands.run(argument, environment=alone, program=commands.BIN / program)
        assert done.code != 0
        assert done.err.startswith(sentence)
        assert len(done.err.splitlines()) == 1
    script = f'cd "{ROOT}" && "{commands.BIN}/alembic" upgrade head'
    done = await commands.run("-c", script, environment=alone, program=Path("/bin/sh"))
    assert done.code != 0
    assert done.err.splitlines()[-1].startswith("DATABASE_URL is not set")
    assert "Traceback" not in done.err
