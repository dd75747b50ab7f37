import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import orphans

# Reads its standard input for ever, and says so when it can no longer be ended gently.
STUBBORN = "trap '' TERM; echo ready; while true; do read x; done"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path)
    while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
        pass  # the kernel names it a moment after it has started it
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_its_name_and_where_it_works(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert orphans.find("sleep", tmp_path) == [sleeper.pid]
    assert orphans.find("postgres", tmp_path) == []
    assert orphans.find("sleep", tmp_path / "elsewhere") == []
    assert orphans.find("sleep", tmp_path / "nowhere") == []


@pytest.mark.skipif(shutil.which("lsof") is None, reason="needs lsof")
def test_lsof_finds_the_same(
    sleeper: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "_PROC", tmp_path)
    assert orphans.find("sleep", tmp_path) == [sleeper.pid]
    assert orphans.find("postgres", tmp_path) == []


def test_an_orphan_is_ended_gently_if_it_will(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    assert orphans.end("sleep", tmp_path, [(signal.SIGTERM, 5), (signal.SIGKILL, 5)]) == []
    assert sleeper.wait(5) == -signal.SIGTERM


def test_an_orphan_that_will_not_end_is_killed(tmp_path: Path) -> None:
    command = ["bash", "-c", STUBBORN]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert orphans.end("bash", tmp_path, [(signal.SIGTERM, 0.2)]) == [process.pid]
        assert orphans.end("bash", tmp_path, [(signal.SIGTERM, 0.2), (signal.SIGKILL, 5)]) == []
        assert process.wait(5) == -signal.SIGKILL
