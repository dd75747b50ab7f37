"""The end of a bench or a drill: one line of JSON, and a copy under bench/results/ that says where and when."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """The machine, and how busy it is with other things."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(": ")[2] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.release(),
        "scheduling": "real-time" if os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO) else "shared",
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def write(name: str, figures: dict[str, Any], *, keep: bool = True, **context: Any) -> None:
    """Print the figures as the last line, and keep them with their date, commit, machine and context."""
    if keep:
        _keep(name, figures, context)
    print(json.dumps(figures), flush=True)


def _keep(name: str, figures: dict[str, Any], context: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    command = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    kept = {"bench": name, "date": now.isoformat(), "commit": commit, "machine": machine(), **context, **figures}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(kept, indent=2) + "\n")
    print(f"kept in {file.relative_to(RESULTS.parent.parent)}")
