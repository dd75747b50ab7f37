import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import errors, lock

HOLD = """
import sys
from pathlib import Path
from embedded import lock
with lock.held(Path(sys.argv[1]), Path("/sockets")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_to_come_is_told_who_holds_the_home(tmp_path: Path) -> None:
    with (
        lock.held(tmp_path, Path("/sockets")),
        pytest.raises(errors.HomeLocked, match=f"process {os.getpid()}") as refused,
        lock.held(tmp_path, Path("/sockets")),
    ):
        pass
    assert refused.value.pid == os.getpid()


def test_a_home_is_free_when_its_holder_lets_go(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(tmp_path, Path("/sockets")):
            pass


def test_a_home_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert lock.last_holder(tmp_path) == lock.Holder(holder.pid, Path("/sockets"))
        assert lock.Holder(holder.pid, Path("/sockets")).alive
        holder.kill()
    assert not lock.Holder(holder.pid, Path("/sockets")).alive
    with lock.held(tmp_path, Path("/sockets")):
        pass


@pytest.mark.parametrize("note", [b"", b"12", b"12\n", b"twelve\n/sockets\n"])
def test_a_half_written_note_names_nobody(tmp_path: Path, note: bytes) -> None:
    (tmp_path / "supervisor.lock").write_bytes(note)
    assert lock.last_holder(tmp_path) is None
