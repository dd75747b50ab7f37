import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import errors, orphans, supervisor
from tests.embedded import clients

SUPERVISE = """
import select
import sys
from pathlib import Path
from embedded import supervisor

def wait_for_the_end_of_input():
    # In steps: a signal that comes just before a blocking read would be seen only after it.
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        pass

keeper = supervisor.Supervisor(Path(sys.argv[1]), durable=False)
with keeper:
    try:
        print(keeper.postgres.pid, keeper.valkey.pid, flush=True)
        wait_for_the_end_of_input()
    except KeyboardInterrupt:
        print(keeper.postgres.running, keeper.valkey.running, flush=True)
        wait_for_the_end_of_input()
"""


@contextlib.contextmanager
def supervised(home: Path) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """Another process, in its own foreground group, that supervises the home until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        yield process, [int(pid) for pid in process.stdout.readline().split()]


def test_what_is_kept_is_there_again_at_the_next_start(tmp_path: Path) -> None:
    with supervisor.Supervisor(tmp_path / "new" / "home", durable=False) as addresses:
        clients.sql(addresses, "CREATE TABLE kept AS SELECT 42 AS answer")
        with clients.valkey(addresses) as client:
            client.set("kept", "42")
    with supervisor.Supervisor(tmp_path / "new" / "home", durable=False) as addresses:
        assert clients.sql(addresses, "SELECT answer FROM kept") == "42"
        with clients.valkey(addresses) as client:
            assert client.get("kept") == "42"


def test_a_stop_ends_both_servers_and_frees_the_home(tmp_path: Path) -> None:
    keeper = supervisor.Supervisor(tmp_path, durable=False)
    keeper.stop()
    for _ in range(2):
        keeper.start()
        pids = [keeper.postgres.pid, keeper.valkey.pid]
        keeper.stop()
        keeper.stop()
        assert all(pid is not None and clients.is_gone(pid) for pid in pids)
        assert not (tmp_path / "sockets").exists()


@pytest.mark.parametrize("name", ["Mein Archiv für 100 % & mehr, 'größer' 画像", "long" * 50])
def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    with supervisor.Supervisor(home, durable=False) as addresses:
        assert clients.sql(addresses, "SELECT 1") == "1"
        with clients.valkey(addresses) as client:
            assert client.ping()
        assert supervisor.addresses_of(home) == addresses


def test_a_relative_home_and_its_absolute_name_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with supervisor.Supervisor(Path(".archive"), durable=False) as addresses:
        monkeypatch.chdir("/")
        assert supervisor.addresses_of(tmp_path / ".archive") == addresses
        with pytest.raises(errors.HomeLocked):
            supervisor.Supervisor(tmp_path / ".archive").start()


def test_a_second_supervisor_is_refused_at_once_and_disturbs_nothing(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, pids):
        begun = time.monotonic()
        with pytest.raises(errors.HomeLocked) as refused:
            supervisor.Supervisor(tmp_path, durable=False).start()
        assert time.monotonic() - begun < 30
        assert refused.value.pid == process.pid
        addresses = supervisor.addresses_of(tmp_path)
        assert addresses is not None
        assert clients.sql(addresses, "SELECT 1") == "1"
        assert not any(clients.is_gone(pid) for pid in pids)


def test_orphans_of_a_killed_supervisor_are_ended_before_the_next_start(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, pids):
        addresses = supervisor.addresses_of(tmp_path)
        assert addresses is not None
        clients.sql(addresses, "CREATE TABLE kept AS SELECT 42 AS answer")
        with clients.valkey(addresses) as client:
            client.set("kept", "42")
        process.kill()
    assert not any(clients.is_gone(pid) for pid in pids)
    assert supervisor.addresses_of(tmp_path) is None
    with supervisor.Supervisor(tmp_path, durable=False) as addresses:
        left = orphans.find("postgres", tmp_path / "postgres")
        left += orphans.find("valkey-server", tmp_path / "valkey")
        assert set(pids).isdisjoint(left)
        assert clients.sql(addresses, "SELECT answer FROM kept") == "42"
        with clients.valkey(addresses) as client:
            assert client.get("kept") == "42"


def test_ctrl_c_reaches_the_supervisor_and_not_the_servers(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, pids):
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "True True\n"
        assert not any(clients.is_gone(pid) for pid in pids)
    assert process.returncode == 0
    assert all(clients.is_gone(pid) for pid in pids)


def test_strangers_on_the_usual_ports_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "5432")
    with contextlib.ExitStack() as strangers:
        for port in (5432, 6379):
            stranger = strangers.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # somebody is there already: as good
                stranger.bind(("127.0.0.1", port))
                stranger.listen()
        with supervisor.Supervisor(tmp_path, durable=False) as addresses:
            assert clients.sql(addresses, "SELECT 1") == "1"
            with clients.valkey(addresses) as client:
                assert client.ping()


def test_addresses_are_known_only_while_the_home_is_up(tmp_path: Path) -> None:
    assert supervisor.addresses_of(tmp_path / "nowhere") is None
    keeper = supervisor.Supervisor(tmp_path, durable=False)
    with keeper as addresses:
        assert supervisor.addresses_of(tmp_path) == addresses
        keeper.valkey.kill()
        assert supervisor.addresses_of(tmp_path) is None
    assert supervisor.addresses_of(tmp_path) is None


def test_a_failed_start_leaves_nothing_running_and_the_home_free(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    keeper = supervisor.Supervisor(tmp_path, durable=False)
    for _ in range(2):
        with pytest.raises(errors.HomeOfOtherVersion):
            keeper.start()
        assert not keeper.valkey.running
        assert not (tmp_path / "sockets").exists()


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.HomeUnusable, match="set ARCHIVE_HOME to another one"):
        supervisor.Supervisor(tmp_path / "file" / "home").start()
