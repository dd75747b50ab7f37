import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import nginx


@pytest.mark.skipif(not nginx.is_installed(), reason="nginx is not installed")
def test_a_trial_measures_workflows_and_the_memory_of_large_ones(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.archive", "--quick", "--only", "workflows,memory"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {"workflows_per_s", "ratio_bare", "ratio_two_workers", "peak_mb"}
    assert all(figure > 0 for figure in figures.values())
