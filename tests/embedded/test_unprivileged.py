import os
from pathlib import Path

import pytest

from embedded import binaries, errors, supervisor, unprivileged

PROGRAM = binaries.postgres("postgres")


def test_a_normal_user_runs_postgres_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged.prefix() == []
    unprivileged.check(PROGRAM, tmp_path)


def test_root_without_unshare_is_told_the_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.RootUnsupported, match="no `unshare` program"):
        unprivileged.check(PROGRAM, tmp_path)


def test_root_where_namespaces_are_blocked_is_told_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2; exit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.RootUnsupported, match="Operation not permitted"):
        unprivileged.check(PROGRAM, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_in_another_users_closed_directory_is_told_so(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    with pytest.raises(errors.RootUnsupported, match="home cannot be written"):
        supervisor.Supervisor(theirs / "home", durable=False).start()
