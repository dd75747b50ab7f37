import json
import os
import subprocess
import sys
from pathlib import Path


def test_a_small_drill_keeps_every_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.drill_worker", "--workflows", "16", "--disturbances", "2", "--trial"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["workflows"], figures["kills"]) == (16, 1)
    assert figures["results"] > 10
    broken = ("missing", "unwanted", "wrong", "leftovers", "authorized")
    assert {name: figures[name] for name in broken} == dict.fromkeys(broken, 0)
    assert figures["worst_recovery_s"] > 0
