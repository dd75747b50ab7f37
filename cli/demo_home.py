"""Where a demo keeps its servers' data, its logs and its files: what is left of the last one is cleared away."""

import shutil
from pathlib import Path

from embedded import errors, lock, orphans, sockets, supervisor

PARTS = ("logs", "postgres", "storage", "valkey")


def clear(home: Path) -> None:
    """Make the home, or empty the one that an earlier demo has left, servers that outlived it included.

    Raises an EmbeddedError: HomeLocked while a demo is in it, HomeUnusable when it cannot be written or is no demo's.
    """
    keeper = supervisor.Supervisor(home)
    try:
        if home.exists() and any(home.iterdir()) and lock.last_holder(home) is None:
            raise errors.HomeUnusable(home, "it holds something that is not of a demo")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock.held(home, sockets.directory_for(keeper.home)):
            for server in (keeper.postgres, keeper.valkey):
                orphans.end(server.program, server.directory, server.orphan_stops)
            for part in PARTS:
                if (home / part).exists():
                    shutil.rmtree(home / part)
    except OSError as error:
        raise errors.HomeUnusable(home, error.strerror or str(error)) from error
