import subprocess
import sys
from pathlib import Path

import pytest

from cli import demo_home
from embedded import errors
from embedded.supervisor import Supervisor
from tests.cli import commands


def test_it_is_made_and_emptied_of_what_a_demo_leaves(tmp_path: Path) -> None:
    home = tmp_path / "new" / "demo"
    demo_home.clear(home)
    for part in demo_home.PARTS:
        (home / part).mkdir()
        (home / part / "old").touch()
    demo_home.clear(home)
    assert [path.name for path in home.iterdir()] == ["supervisor.lock"]


def test_what_is_no_demos_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(errors.HomeUnusable, match="it holds something that is not of a demo"):
        demo_home.clear(tmp_path)
    assert (tmp_path / "logs").exists()


def test_a_demo_that_is_up_is_not_touched(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with Supervisor(home, durable=False):
        with pytest.raises(errors.HomeLocked):
            demo_home.clear(home)
        assert (home / "postgres").exists()


def test_servers_that_outlived_a_killed_demo_are_ended(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    script = "import sys, pathlib; from embedded.supervisor import Supervisor; "
    script += "Supervisor(pathlib.Path(sys.argv[1]), durable=False).start(); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == "up\n"
        demo.kill()
    assert any("postgres" in command for command in commands.running_in(home).values())
    demo_home.clear(home)
    assert commands.running_in(home) == {}
