"""What outlives a loss of power: watched where the house ends and the system begins, as in storage's own tests."""

import os
from pathlib import Path

import pytest

from archive import durable


def test_a_file_is_put_read_only_in_a_place_whose_directories_are_made(tmp_path: Path) -> None:
    (tmp_path / "beside").write_bytes(b"content")
    target = tmp_path / "a" / "b" / "file"
    with (tmp_path / "beside").open("rb") as file:
        durable.put(tmp_path / "beside", file, target)
    assert target.read_bytes() == b"content"
    assert target.stat().st_mode & 0o777 == durable.READ_ONLY
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what was synced is read from /proc")
def test_the_name_of_each_new_directory_is_synced_in_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", noted)
    durable.make_directories(tmp_path / "a" / "b")
    assert set(synced) == {tmp_path, tmp_path / "a"}
    durable.make_directories(tmp_path / "a" / "b")
    assert len(synced) == 2
