"""PostgreSQL refuses to run as root. Root runs it in a user namespace, where root has another number.

Its files stay root's own when seen from outside; no user is added and no mode is changed.
"""

import os
import shutil
import subprocess
from pathlib import Path

from embedded import errors

_MAPPING = ("--user", "--map-user=1000", "--map-group=1000", "--")


def prefix() -> list[str]:
    """What to put before a command of PostgreSQL's: nothing for a normal user, `unshare …` for root.

    Raises `errors.RootUnsupported` when there is no `unshare`.
    """
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise errors.RootUnsupported("there is no `unshare` program")
    return [unshare, *_MAPPING]


def check(program: Path, home: Path) -> None:
    """Try as root whether `program` may run and `home` be written in the namespace.

    In it root has lost its powers: where user namespaces are blocked, or another user's closed directory lies
    on the way, this raises `errors.RootUnsupported` instead of leaving a riddle in the log.
    """
    command = prefix()
    if not command:
        return
    trial = subprocess.run([*command, program, "--version"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        raise errors.RootUnsupported(trial.stderr.strip() or f"exit code {trial.returncode}")
    if subprocess.run([*command, "test", "-w", home], check=False).returncode != 0:
        raise errors.RootUnsupported(f"in one, {home} cannot be written")
