"""The receiver as a process of its own: `uvicorn receiver.app:app`, its refusals, its silence about secrets."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from embedded.supervisor import Addresses
from receiver import app
from tests.archive.factories import rows, workflow_event
from tests.conftest import OTHER_SECRET, SECRET

UVICORN = [sys.executable, "-m", "uvicorn", "receiver.app:app", "--host", "127.0.0.1", "--port", "0"]
HOUSE = Path(__file__).parents[2]


@pytest.fixture
def told(addresses: Addresses, tmp_path: Path) -> dict[str, str]:
    """The environment of the process."""
    return {
        "PATH": os.environ["PATH"],
        "ARCHIVE_HOME": str(tmp_path),
        "CALLBACK_SECRETS": f"first:{SECRET},other:{OTHER_SECRET}",
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
    }


@contextmanager
def running(environment: dict[str, str], log: Path) -> Iterator[str]:
    """A receiver process, stopped as a service manager would; its address. What it says goes to `log`."""
    with (
        log.open("wb") as output,
        subprocess.Popen(UVICORN, cwd=HOUSE, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            deadline = time.monotonic() + 20
            while not (found := re.search(r"running on (http://127\.0\.0\.1:\d+)", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield found[1]
        finally:
            process.terminate()
            process.wait(10)


async def test_a_receiver_process_logs_what_it_did_and_no_secret_and_no_query(
    told: dict[str, str], engine: AsyncEngine, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    body = json.dumps({**workflow_event("wf", "succeeded"), "echo": SECRET})
    with running(told, log) as url:
        async with httpx.AsyncClient(base_url=url, headers={"X-Echo": SECRET}, timeout=60) as http:
            for query in (f"token={SECRET}&run=hush", f"token={OTHER_SECRET}"):
                assert (await http.post(f"/callbacks?{query}", content=body)).status_code == 202
                assert (await http.post(f"/callbacks?{query}", content=SECRET)).status_code == 202
                assert (await http.get(f"/callbacks?{query}")).status_code == 405
                assert (await http.post(f"/elsewhere/{SECRET}?{query}", content=body)).status_code == 404
                assert (await http.post(f"/callbacks/?{query}", content=body)).status_code == 404
            assert (await http.post(f"/callbacks?token={SECRET}hush", content=body)).status_code == 401
            assert (await http.get(f"/health?token={SECRET}")).status_code == 200
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
            assert (await http.get(f"/callbacks?token={SECRET}", headers=upgrade)).status_code == 405
    said = await asyncio.to_thread(log.read_text)
    events = [json.loads(line)["event"] for line in said.splitlines() if line.startswith("{")]
    assert events.count("stored") == 4
    assert "refused a callback: its token is missing or wrong" in events
    for hidden in (SECRET, OTHER_SECRET, "hush", "token=", "/callbacks", "Traceback"):
        assert hidden not in said
    assert await rows(engine, "SELECT count(*) FROM events") == [(2,)]


async def test_a_failure_of_the_database_is_logged_without_the_secret(told: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    body = json.dumps({**workflow_event("wf", "succeeded"), "url": "https://blobs.example/b?sig=hush"})
    elsewhere = {**told, "DATABASE_URL": told["DATABASE_URL"].replace("/archive?", "/postgres?")}  # no tables there
    with running(elsewhere, log) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            answer = await http.post(f"/callbacks?token={SECRET}", content=body)
            assert answer.status_code == 202  # it is in the spool
            assert SECRET not in answer.text
    said = await asyncio.to_thread(log.read_text)
    assert 'relation \\"events\\" does not exist' in said
    for hidden in (SECRET, "hush", "token="):
        assert hidden not in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CALLBACK_SECRETS", ""),
        ("CALLBACK_SECRETS", "hush-without-a-name"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql://u:hush@h:port/a"),
        ("REDIS_URL", ""),
        ("REDIS_URL", "redis://:hush@localhost:port"),
        ("RECEIVER_PORT", "http"),
        ("STORAGE_URL", "ftp://bucket"),
    ],
)
def test_a_bad_setting_ends_in_one_sentence_without_a_traceback(
    told: dict[str, str], variable: str, value: str
) -> None:
    done = subprocess.run(
        UVICORN, cwd=HOUSE, env={**told, variable: value}, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode in (1, 2)
    (sentence,) = (done.stdout + done.stderr).splitlines()
    assert sentence.startswith(f"{variable} ")
    assert f"Example: {variable}=" in sentence
    assert "hush" not in sentence


async def test_a_receiver_answers_on_three_paths_and_nowhere_else(receiver: str) -> None:
    async with httpx.AsyncClient(base_url=receiver, timeout=60) as http:
        for path in ("/", "/callback", "/callbacks/", "/callbacks/x", "/health/", "/docs", "/metrics", "//callbacks"):
            for method in ("GET", "POST"):
                answer = await http.request(method, f"{receiver}{path}?token={SECRET}")
                assert answer.status_code == 404, path
                assert SECRET not in answer.text + str(answer.headers)
        for method, path in (
            ("GET", "/callbacks"),
            ("PUT", "/callbacks"),
            ("DELETE", "/callbacks"),
            ("POST", "/health"),
        ):
            answer = await http.request(method, f"{path}?token={SECRET}")
            assert answer.status_code == 405
            assert SECRET not in answer.text + str(answer.headers)


def test_a_module_has_nothing_else_by_surprise() -> None:
    with pytest.raises(AttributeError):
        app.application  # noqa: B018


@pytest.mark.parametrize(
    "required",
    [
        settings.Settings.required_callback_secrets,
        settings.Settings.required_database_url,
        settings.Settings.required_redis_url,
    ],
)
def test_an_app_is_not_made_of_settings_that_lack_what_it_needs(
    told: dict[str, str], required: Callable[[settings.Settings], object]
) -> None:
    variable = required.__name__.removeprefix("required_").upper()
    with pytest.raises(settings.SettingsError, match=f"^{variable} is not set"):
        app.create_app(settings.read({**told, variable: ""}))
