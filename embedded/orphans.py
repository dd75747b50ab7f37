"""Servers that outlived their supervisor, found by where they work: both kinds go into their data directory.

A process id in a file may by now be anybody's; a process of the right name in our own data directory is ours.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")


def find(program: str, directory: Path) -> list[int]:
    """The ids of the processes called `program` whose working directory is `directory`."""
    if not (_PROC / "self" / "cwd").exists():
        return _find_with_lsof(program, directory)
    return [
        int(process.name)
        for process in _PROC.iterdir()
        if process.name.isdigit() and _works_in(process, program, directory)
    ]


def end(program: str, directory: Path, stops: Iterable[tuple[signal.Signals, float]]) -> list[int]:
    """End them all: send each signal in turn and wait up to its seconds, until none is left.

    Returns the ids of those that live even then: none, unless the kernel itself is stuck.
    """
    pids = find(program, directory)
    for signum, seconds in stops:
        deadline = time.monotonic() + seconds
        for pid in pids:
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                continue
        while pids and time.monotonic() < deadline:
            time.sleep(0.02)
            pids = find(program, directory)
    return pids


def _works_in(process: Path, program: str, directory: Path) -> bool:
    try:
        name = (process / "comm").read_bytes().rstrip(b"\n")
        return name == program.encode() and os.path.samefile(process / "cwd", directory)
    except OSError:  # it has ended meanwhile, or is another user's
        return False


def _find_with_lsof(program: str, directory: Path) -> list[int]:
    """The same where there is no /proc: macOS always has `lsof`."""
    command = ["lsof", "-t", "-a", "-d", "cwd", "-c", program, "--", os.fspath(directory)]
    listing = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [int(pid) for pid in listing.stdout.split()]
