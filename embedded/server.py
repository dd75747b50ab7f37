"""One server as a child process: started until it answers, stopped gently at first, never left a zombie."""

import abc
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from embedded import errors, orphans

Stops = Sequence[tuple[signal.Signals, float]]
"""Signals to send one after another, each with the seconds to wait for the end."""

_START_SECONDS = 300.0
"""A server that dies is noticed at once; this is for one that lives, and may have a long log to replay."""

_TAIL_LINES = 10


class Server(abc.ABC):
    """What PostgreSQL and Valkey have in common.

    Works in `directory`, its data directory under the home, and appends what it says to `log`, in a directory
    that exists.
    """

    name: ClassVar[str]
    """For people."""
    program: ClassVar[str]
    """For the kernel: the name of the process."""
    stops: ClassVar[Stops]
    """How to stop it."""
    orphan_stops: ClassVar[Stops]
    """How to stop what a killed supervisor, or a killed server, has left behind."""

    def __init__(self, directory: Path, log: Path) -> None:
        self.directory = directory
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def command(self) -> list[str | Path]:
        """The command that runs the server in the foreground."""

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the data directory if there is none; raise an `errors.EmbeddedError` if it is not for us."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether the server takes work now."""

    @property
    def pid(self) -> int | None:
        """The process id of the server, None while it does not run."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; ends first what an earlier run left behind.

        Raises an `errors.EmbeddedError`. Does nothing while it runs.
        """
        if self.running:
            return
        left = orphans.end(self.program, self.directory, self.orphan_stops)
        if left:
            raise errors.HomeLocked(self.directory.parent, left[0])
        self.prepare()
        with self.log.open("ab") as log:
            written_before = log.tell()
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us: the servers stay until whoever uses them is done.
                start_new_session=True,
            )
        try:
            self._await_answer(self._process, written_before)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and wait for its end. Does nothing while it does not run."""
        if self._process is None:
            return
        for signum, seconds in self.stops:
            self._process.send_signal(signum)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            break

    def kill(self) -> None:
        """End the server as a crash would: SIGKILL, nothing said before."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def did_not_start(self, written_before: int) -> errors.ServerDidNotStart:
        """The error that tells what the server has logged since its log was `written_before` bytes long."""
        with self.log.open("rb") as log:
            log.seek(written_before)
            lines = log.read().decode(errors="replace").splitlines()
        return errors.ServerDidNotStart(self.name, self.log, "\n".join(lines[-_TAIL_LINES:]))

    def _await_answer(self, process: subprocess.Popen[bytes], written_before: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise self.did_not_start(written_before)
            time.sleep(0.02)


def environment() -> dict[str, str]:
    """The little of our environment that the servers need.

    So our secrets stay ours, no PGHOST or PGPORT leads elsewhere, and messages are in English.
    """
    kept = ("HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
