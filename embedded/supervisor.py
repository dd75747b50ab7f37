"""PostgreSQL and Valkey for one machine, under one home directory.

A home holds `postgres/` and `valkey/` (their data), `logs/`, `supervisor.lock`, and, while it is up and its
path allows, `sockets/`. Neither server listens on a port: what others run on this machine does not matter.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from embedded import errors, lock, postgres, sockets, valkey


@dataclass(frozen=True)
class Addresses:
    """Where the two servers of a home are reached: what DATABASE_URL and REDIS_URL would say."""

    database_url: str
    redis_url: str


class Supervisor:
    """Runs the servers of `home`, which is made if it is missing.

    `durable=False` is for tests: quicker, and a crash of the machine (not of a process) may lose data.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self._sockets = sockets.directory_for(self.home)
        self.postgres = postgres.Postgres(self.home, self._sockets, durable=durable)
        self.valkey = valkey.Valkey(self.home, sockets.valkey(self._sockets), durable=durable)
        self._started = contextlib.ExitStack()

    def start(self) -> Addresses:
        """Start both servers and wait until they answer; ends first what a killed run left behind.

        Raises an `errors.EmbeddedError`, `HomeLocked` among them, and then leaves nothing running.
        """
        with contextlib.ExitStack() as starting:
            try:
                (self.home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
                starting.enter_context(lock.held(self.home, self._sockets))
                starting.enter_context(sockets.private(self._sockets))
                for server in (self.valkey, self.postgres):
                    starting.callback(server.stop)
                    server.start()
            except OSError as error:
                raise errors.HomeUnusable(self.home, str(error)) from error
            self._started = starting.pop_all()
        return _addresses(self._sockets)

    def stop(self) -> None:
        """Stop both servers and let go of the home. Does nothing while it is not up."""
        self._started.close()

    def __enter__(self) -> Addresses:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def addresses_of(home: Path) -> Addresses | None:
    """The addresses of a home that is up now, in whatever process; None if it is not. Takes no lock."""
    holder = lock.last_holder(home)
    if holder is None or not holder.alive:
        return None
    if not valkey.answers(sockets.valkey(holder.sockets)) or not postgres.answers(holder.sockets):
        return None
    return _addresses(holder.sockets)


def _addresses(directory: Path) -> Addresses:
    # The port is only a part of the socket's name; told here, no PGPORT in the environment changes it.
    return Addresses(
        database_url=(f"postgresql://{postgres.NAME}@/{postgres.NAME}?host={directory}&port={sockets.POSTGRES_PORT}"),
        redis_url=f"unix://{sockets.valkey(directory)}",
    )
