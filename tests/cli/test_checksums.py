import hashlib
import subprocess
from pathlib import Path

from cli import checksums


def test_the_list_is_one_that_sha256sum_takes(tmp_path: Path) -> None:
    for name, content in (("b.png", b"b"), ("a b.png", b"a")):
        (tmp_path / name).write_bytes(content)
        checksums.record(tmp_path, name, checksums.of(tmp_path / name))
    command = ["sha256sum", "--check", "--strict", checksums.NAME]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert checksums.read(tmp_path)["b.png"] == hashlib.sha256(b"b").hexdigest()
    (tmp_path / "b.png").write_bytes(b"new")
    checksums.record(tmp_path, "b.png", checksums.of(tmp_path / "b.png"))
    assert list(checksums.read(tmp_path)) == ["a b.png", "b.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b.png", "b.png", checksums.NAME]


def test_what_is_no_list_says_nothing(tmp_path: Path) -> None:
    assert checksums.read(tmp_path) == {}
    (tmp_path / checksums.NAME).write_bytes(b"\xff\n\nshort  name\n" + b"0" * 64 + b"\n")
    assert checksums.read(tmp_path) == {}
