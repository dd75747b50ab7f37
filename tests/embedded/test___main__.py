import signal
import subprocess
import sys
from pathlib import Path
from urllib import parse

from embedded import binaries

EMBEDDED = [sys.executable, "-m", "embedded"]


def socket_directory(database_url: str) -> Path:
    return Path(parse.parse_qs(parse.urlsplit(database_url).query)["host"][0])


def test_a_command_gets_servers_of_its_own_and_its_code_is_ours() -> None:
    script = "import os, sys; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL']); sys.exit(7)"
    done = subprocess.run([*EMBEDDED, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 7
    database_url, redis_url = done.stdout.split()
    assert redis_url.startswith("unix:///")
    assert not socket_directory(database_url).parent.exists()


def test_a_command_that_a_signal_ended_says_so_as_shells_do() -> None:
    done = subprocess.run([*EMBEDDED, "sh", "-c", "kill -KILL $$"], check=False)
    assert done.returncode == 128 + signal.SIGKILL


def test_mistakes_are_one_sentence_without_a_traceback(tmp_path: Path) -> None:
    none = subprocess.run(EMBEDDED, capture_output=True, text=True, check=False)
    assert (none.returncode, none.stderr) == (2, "usage: python -m embedded COMMAND…\n")
    unknown = subprocess.run([*EMBEDDED, tmp_path / "no"], capture_output=True, text=True, check=False)
    assert unknown.returncode == 127
    assert unknown.stderr == f"{tmp_path}/no cannot be run: No such file or directory.\n"


def test_sigterm_ends_the_command_first_and_then_its_servers() -> None:
    script = 'trap \'kill $!; "$0" -XqAt -c "SELECT 42" "$DATABASE_URL"; exit 3\' TERM; '
    script += 'sleep 60 >/dev/null & echo "$DATABASE_URL"; wait'
    with subprocess.Popen(
        [*EMBEDDED, "sh", "-c", script, binaries.postgres("psql")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        database_url = process.stdout.readline().strip()
        process.terminate()
        assert process.stdout.read() == "42\n"
    assert process.returncode == 3
    assert not socket_directory(database_url).parent.exists()
