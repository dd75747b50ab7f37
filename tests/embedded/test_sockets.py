import os
import stat
from pathlib import Path

import pytest

from embedded import errors, sockets


def test_sockets_lie_in_a_home_whose_path_is_short_and_plain() -> None:
    assert sockets.directory_for(Path("/srv/archive")) == Path("/srv/archive/sockets")


@pytest.mark.parametrize(
    "home",
    ["/srv/mein archiv", "/srv/größer", "/srv/a,b", "/srv/50%", "/srv/a?b=c", "/srv/a&b", "/" + 90 * "x"],
)
def test_sockets_of_any_other_home_lie_in_a_short_temporary_directory(home: str) -> None:
    directory = sockets.directory_for(Path(home))
    assert not directory.is_relative_to(home)
    assert str(os.geteuid()) in directory.name
    assert len(str(sockets.postgres(directory))) <= 103


def test_every_home_has_a_directory_of_its_own() -> None:
    assert sockets.directory_for(Path("/a b")) != sockets.directory_for(Path("/a  b"))


def test_a_useless_temporary_directory_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/" + 90 * "t")
    assert sockets.directory_for(Path("/a b")).parent == Path("/tmp")  # noqa: S108 - what is tested


def test_the_directory_is_closed_to_others_and_gone_at_the_end(tmp_path: Path) -> None:
    directory = tmp_path / "sockets"
    with sockets.private(directory):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert not directory.exists()


def test_what_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    directory = tmp_path / "sockets"
    directory.mkdir(mode=0o700)
    (directory / "valkey.sock").touch()
    with sockets.private(directory):
        pass
    assert not directory.exists()


def test_a_directory_that_others_may_enter_is_not_trusted(tmp_path: Path) -> None:
    directory = tmp_path / "sockets"
    directory.mkdir()
    directory.chmod(0o755)
    with pytest.raises(errors.SocketsNotPrivate, match="remove it"), sockets.private(directory):
        pass
    assert directory.exists()


def test_a_link_to_somewhere_else_is_not_trusted(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "sockets").symlink_to(elsewhere)
    with pytest.raises(errors.SocketsNotPrivate), sockets.private(tmp_path / "sockets"):
        pass
    assert elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory in a stranger's name")
def test_a_strangers_directory_is_not_trusted(tmp_path: Path) -> None:
    directory = tmp_path / "sockets"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    with pytest.raises(errors.SocketsNotPrivate), sockets.private(directory):
        pass
