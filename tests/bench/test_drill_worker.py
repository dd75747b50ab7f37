import json
import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(240)
def test_a_small_drill_keeps_every_promise() -> None:
    command = [sys.executable, "-m", "bench.drill_worker", "--workflows", "16", "--disturbances", "2", "--trial"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["workflows"], figures["kills"]) == (16, 1)
    assert figures["results"] > 10
    broken = ("missing", "unwanted", "wrong", "leftovers", "authorized")
    assert {name: figures[name] for name in broken} == dict.fromkeys(broken, 0)
    assert 0 < figures["worst_recovery_s"] <= 30
