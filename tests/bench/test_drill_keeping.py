import json
import os
import subprocess
import sys
from pathlib import Path


def test_a_day_ends_with_exactly_what_was_to_be_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.drill_keeping", "--days", "1", "--workflows", "10", "--trial"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["expected"] == figures["kept"] == figures["exported"] > 0
    assert figures["rebuilt_rows"] > 100
    assert {figures[name] for name in ("missing", "extra", "differing_rows")} == {0}
