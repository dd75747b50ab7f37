"""One supervisor a home: a lock that the kernel lets go of when its process ends, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from embedded import errors

_FILE = "supervisor.lock"


class Holder(NamedTuple):
    """Who holds, or last held, a home, and in which directory the sockets of its servers lie."""

    pid: int
    sockets: Path

    @property
    def alive(self) -> bool:
        """Whether a process of that number exists (pids are reused: this alone proves nothing)."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


@contextlib.contextmanager
def held(home: Path, sockets: Path) -> Iterator[None]:
    """Hold the home and leave a note of who does. Raises `errors.HomeLocked` at once if another does."""
    # The file is never removed: a second process could then lock a new one while the old is still locked.
    descriptor = os.open(home / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = last_holder(home)
            raise errors.HomeLocked(home, holder.pid if holder else None) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n%s\n" % (os.getpid(), os.fsencode(sockets)))
        yield
    finally:
        os.close(descriptor)


def last_holder(home: Path) -> Holder | None:
    """What the last supervisor noted; None if there was none or its note is half written."""
    try:
        pid, sockets, _ = (home / _FILE).read_bytes().split(b"\n")
        return Holder(int(pid), Path(os.fsdecode(sockets)))
    except (OSError, ValueError):
        return None
