"""`python -m embedded COMMAND…`: run a command with DATABASE_URL and REDIS_URL of servers made for it alone.

They and their data are gone when it has ended. The exit code is the command's, or 128 plus the signal that
ended it.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from embedded import errors, supervisor


def main(command: Sequence[str]) -> int:
    """Run `command`; returns the code to exit with."""
    if not command:
        print("usage: python -m embedded COMMAND…", file=sys.stderr)  # noqa: T201
        return 2
    # An exception, so that a stop while the servers start leaves neither them nor their home.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with (
            tempfile.TemporaryDirectory(prefix="civitai-archive-") as home,
            supervisor.Supervisor(Path(home), durable=False) as addresses,
        ):
            return _run(command, addresses)
    except errors.EmbeddedError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(command: Sequence[str], addresses: supervisor.Addresses) -> int:
    environment = os.environ | {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
    process: subprocess.Popen[bytes] | None = None
    came_early = False

    def end(*_: object) -> None:
        nonlocal came_early
        if process is None:
            came_early = True
        else:
            process.terminate()

    # Ctrl-C reaches the command by itself, SIGTERM through us, also while it is being started; its servers outlive it.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, end)
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 127
    if came_early:
        process.terminate()
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
