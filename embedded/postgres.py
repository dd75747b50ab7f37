"""The embedded PostgreSQL: no TCP, a private socket, one database and one user, both called `archive`."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from embedded import binaries, errors, orphans, server, sockets, unprivileged

NAME = "archive"
"""The database, and the user who owns it."""

# The last, since shared memory of a server that was killed outlasts its directory.
_NOT_DURABLE = ("fsync=off", "full_page_writes=off", "dynamic_shared_memory_type=mmap")


def answers(directory: Path) -> bool:
    """Whether a PostgreSQL takes connections at its socket in `directory`."""
    options = ["--quiet", "--timeout=2", "-d", "postgres"]
    command = [binaries.postgres("pg_isready"), *options, *_to(directory)]
    return subprocess.run(command, env=server.environment(), check=False).returncode == 0


class Postgres(server.Server):
    """PostgreSQL with its data under `home`/postgres and its socket in the directory `socket_directory`."""

    name = "PostgreSQL"
    program = "postgres"
    # SIGINT is its fast shutdown, SIGQUIT its immediate one, which the next start recovers from.
    stops = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
    # These go to the children too, who may have lost their parent; SIGQUIT means the same to all of them.
    orphan_stops = ((signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))

    def __init__(self, home: Path, socket_directory: Path, *, durable: bool) -> None:
        super().__init__(home / "postgres", home / "logs" / "postgres.log")
        self._home = home
        self._socket_directory = socket_directory
        self._durable = durable

    def command(self) -> list[str | Path]:
        """See `Server.command`."""
        settings = ["listen_addresses=", f"unix_socket_directories={self._socket_directory}"]
        if not self._durable:
            settings += _NOT_DURABLE
        options = [option for setting in settings for option in ("-c", setting)]
        port = str(sockets.POSTGRES_PORT)
        return [
            *unprivileged.prefix(),
            binaries.postgres("postgres"),
            "-D",
            self.directory,
            "-p",
            port,
            *options,
        ]

    def prepare(self) -> None:
        """See `Server.prepare`."""
        unprivileged.check(binaries.postgres("postgres"), self._home)
        # No server is left here. But PostgreSQL itself believes a pid file as soon as any process of ours has
        # its number by now, which in a container is likely, and would refuse to start.
        socket = sockets.postgres(self._socket_directory)
        for stale in (self.directory / "postmaster.pid", socket.with_name(f"{socket.name}.lock")):
            stale.unlink(missing_ok=True)
        # What a kill in the midst of `_make_data_directory` has left.
        for unfinished in self._home.glob("postgres.new-*"):
            for program in ("initdb", self.program):
                orphans.end(program, unfinished, [(signal.SIGKILL, 5.0)])
            shutil.rmtree(unfinished, ignore_errors=True)
        if self.directory.exists():
            self._check_data_directory()
        else:
            self._make_data_directory()

    def answers(self) -> bool:
        """See `Server.answers`."""
        return answers(self._socket_directory)

    def start(self) -> None:
        """See `Server.start`; creates the database too, if it is missing."""
        super().start()
        try:
            self._create_database()
        except BaseException:
            self.stop()
            raise

    def _check_data_directory(self) -> None:
        if self.directory.stat().st_uid != os.geteuid():
            raise errors.HomeUnusable(self._home, f"user {self.directory.stat().st_uid} owns its database")
        says = subprocess.run(
            [binaries.postgres("postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        ours = says.split()[2].partition(".")[0]  # of "postgres (PostgreSQL) 18.6"
        found = (self.directory / "PG_VERSION").read_text().strip()
        if found != ours:
            raise errors.HomeOfOtherVersion(self._home, found, ours)

    def _make_data_directory(self) -> None:
        """Make it beside and rename it, so that it is there whole or not at all."""
        unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self._home))
        try:
            # Trust is safe because the socket's directory lets nobody else in.
            initdb: list[str | Path] = [*unprivileged.prefix(), binaries.postgres("initdb"), "-D", unfinished]
            initdb += ["-U", NAME, "--auth=trust", "--encoding=UTF8", "--no-locale"]
            if not self._durable:
                initdb.append("--no-sync")
            self._run(initdb, unfinished)
            unfinished.rename(self.directory)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        if self._durable:
            descriptor = os.open(self._home, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def _create_database(self) -> None:
        script = (
            f"SELECT 'CREATE DATABASE {NAME}' "  # noqa: S608 - a constant
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{NAME}') \\gexec\n"
        )
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
        psql = [binaries.postgres("psql"), *options, *_to(self._socket_directory)]
        self._run(psql, self.directory, stdin=script.encode())

    def _run(self, command: list[str | Path], directory: Path, stdin: bytes = b"") -> None:
        """Run a program of PostgreSQL's in `directory` to its end. Raises `errors.ServerDidNotStart`."""
        with self.log.open("ab") as log:
            written_before = log.tell()
            done = subprocess.run(
                command,
                cwd=directory,
                input=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=server.environment(),
                check=False,
                start_new_session=True,
            )
        if done.returncode != 0:
            raise self.did_not_start(written_before)


def _to(directory: Path) -> list[str | Path]:
    return ["-h", directory, "-p", str(sockets.POSTGRES_PORT), "-U", NAME]
