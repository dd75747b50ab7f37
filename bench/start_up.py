"""How long `--help` and completion take at a terminal, beside Python alone and the import of Typer, in the same run."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import record

ROUNDS = 15
PROMISED_MS = 250.0
COMMAND = str(Path(sys.executable).parent / "civitai-archive")
COMPLETION = {
    "_CIVITAI_ARCHIVE_COMPLETE": "complete_bash",
    "COMP_WORDS": "civitai-archive work",
    "COMP_CWORD": "1",
}
SUBJECTS: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "python": ([sys.executable, "-c", "pass"], {}),
    "typer": ([sys.executable, "-c", "import typer"], {}),
    "help": ([COMMAND, "--help"], {}),
    "workflows_help": ([COMMAND, "workflows", "--help"], {}),
    "completion": ([COMMAND], COMPLETION),
}


def main() -> int:
    """Take turns, so that what else the machine does touches all alike; the medians are the figures."""
    took: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    cost: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    for number in range(ROUNDS + 1):
        for name, (command, environment) in SUBJECTS.items():
            milliseconds, of_processor = _run(command, os.environ | dict(environment))
            if number:  # the first round warms the caches
                took[name].append(milliseconds)
                cost[name].append(of_processor)
    figures = {f"{name}_ms": round(statistics.median(times), 1) for name, times in took.items()}
    figures |= {f"{name}_cpu_ms": round(statistics.median(times), 1) for name, times in cost.items()}
    record.write("start-up", figures, rounds=ROUNDS)
    return 0 if figures["help_ms"] < PROMISED_MS else 1


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Milliseconds that pass, and those of processor time: on a busy machine the latter say more."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=dict(environment), stdout=subprocess.DEVNULL, check=True)
    passed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    of_processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return passed * 1000, of_processor * 1000


if __name__ == "__main__":
    sys.exit(main())
