"""Logs: JSON lines for machines, and no address with its query."""

import json
import subprocess
import sys
from datetime import datetime

import pytest

SCRIPT = """
import asyncio, logging, structlog
from archive import logs
logs.configure(for_people={for_people})
log = structlog.get_logger()
log.info("stored an event", workflow="wf ü", status=None)
logging.getLogger("uvicorn.access").info('GET /callbacks?token=hush HTTP/1.1 202')
logging.getLogger("httpx").info('HTTP Request: GET https://blobs.example/b?sig=hush')
logging.getLogger("arq.worker").warning("plain %s", "message")
logging.getLogger("arq.worker").info("hush: sweep()")
try:
    raise asyncio.CancelledError
except asyncio.CancelledError:
    logging.getLogger("uvicorn.error").exception("hush: Exception in ASGI application")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it broke")
"""


def logged(*, for_people: bool) -> str:
    """What a process logs to standard error; nothing goes to standard output."""
    script = SCRIPT.format(for_people=for_people)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == ""
    return done.stderr


def test_a_machine_reads_one_json_object_a_line_with_its_level_and_time() -> None:
    told, plain, broke = (json.loads(line) for line in logged(for_people=False).splitlines())
    assert datetime.fromisoformat(told.pop("timestamp")).utcoffset() is not None
    assert told == {"event": "stored an event", "workflow": "wf ü", "status": None, "level": "info"}
    assert (plain["event"], plain["level"]) == ("plain message", "warning")
    assert (broke["event"], broke["level"]) == ("it broke", "error")
    assert "ZeroDivisionError" in broke["exception"]


def test_people_read_plain_lines() -> None:
    lines = logged(for_people=True)
    assert "stored an event" in lines
    assert "ZeroDivisionError" in lines
    assert not lines.lstrip().startswith("{")


def test_addresses_the_runs_of_tasks_and_requests_cut_off_at_the_end_are_silent() -> None:
    for for_people in (True, False):
        assert "hush" not in logged(for_people=for_people)


@pytest.mark.parametrize("log", ["structlog.get_logger().info", "logging.getLogger('uvicorn').warning"])
def test_who_logs_goes_on_when_nothing_can_be_logged(log: str) -> None:
    script = f"""
import logging, structlog
from archive import logs
logs.configure(for_people=False)
{log}("one")
{log}("another")
print("went on")
"""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, timeout=30)
    assert (done.stdout, done.returncode) == (b"went on\n", 0)
