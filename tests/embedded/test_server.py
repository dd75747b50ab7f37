import os
import signal
import sys
import time
from pathlib import Path

import pytest

from embedded import errors, server
from tests.embedded import clients


class Script(server.Server):
    """A server that is a Python script, and answers once it has made the file `up`."""

    name = "The script"
    program = "python"
    stops = ((signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0))
    orphan_stops = stops

    def __init__(self, directory: Path, script: str) -> None:
        super().__init__(directory, directory / "log")
        self.script = script

    def command(self) -> list[str | Path]:
        return [sys.executable, "-c", self.script]

    def prepare(self) -> None:
        (self.directory / "up").unlink(missing_ok=True)

    def answers(self) -> bool:
        return (self.directory / "up").exists()


SERVE = "import signal, time, pathlib; {}; pathlib.Path('up').touch(); time.sleep(60)"


def test_a_started_server_runs_in_a_session_of_its_own_until_it_is_stopped(tmp_path: Path) -> None:
    script = Script(tmp_path, SERVE.format("print('hello', flush=True)"))
    script.start()
    pid = script.pid
    assert script.running
    assert pid is not None
    assert os.getsid(pid) == pid
    script.start()
    assert script.pid == pid
    script.stop()
    script.stop()
    assert clients.is_gone(pid)
    assert script.log.read_text() == "hello\n"


def test_a_server_that_ignores_a_gentle_stop_is_killed(tmp_path: Path) -> None:
    script = Script(tmp_path, SERVE.format("signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    script.start()
    pid = script.pid
    script.stop()
    assert pid is not None
    assert clients.is_gone(pid)


def test_a_killed_server_leaves_no_zombie_and_starts_again(tmp_path: Path) -> None:
    script = Script(tmp_path, SERVE.format("pass"))
    script.start()
    pid = script.pid
    script.kill()
    assert pid is not None
    assert clients.is_gone(pid)
    assert script.pid is None
    script.start()
    assert clients.is_gone(pid)
    assert script.running
    script.stop()


def test_a_server_that_ends_at_once_is_noticed_at_once_with_the_last_words_of_this_start(tmp_path: Path) -> None:
    script = Script(tmp_path, "import sys; [print(n, flush=True) for n in range(20)]; sys.exit('out of cheese')")
    script.log.write_text("an older run\n")
    begun = time.monotonic()
    with pytest.raises(errors.ServerDidNotStart) as failed:
        script.start()
    assert time.monotonic() - begun < 60
    assert "out of cheese" in failed.value.tail
    assert len(failed.value.tail.splitlines()) == 10
    assert str(script.log) in str(failed.value)
    with pytest.raises(errors.ServerDidNotStart) as failed:
        Script(tmp_path, "raise SystemExit(1)").start()
    assert "it wrote nothing" in str(failed.value)


def test_servers_see_neither_our_secrets_nor_where_other_servers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIVITAI_API_TOKEN", "secret")
    monkeypatch.setenv("PGPORT", "1")
    assert {"CIVITAI_API_TOKEN", "PGPORT"}.isdisjoint(server.environment())
