"""The directory of the servers' sockets. It is their only door, so it is closed to everybody but us."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from embedded import errors

POSTGRES_PORT = 5432
"""PostgreSQL names its socket after a port, even when it listens on none."""

_LONGEST_PATH = 103
"""Bytes in the path of a socket: 103 on macOS, 107 on Linux."""

_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that mean the same in PostgreSQL's lists, in both kinds of URL, quoted or not."""


def postgres(directory: Path) -> Path:
    """The socket that PostgreSQL makes in `directory`."""
    return directory / f".s.PGSQL.{POSTGRES_PORT}"


def valkey(directory: Path) -> Path:
    """The socket that we tell Valkey to make in `directory`."""
    return directory / "valkey.sock"


def directory_for(home: Path) -> Path:
    """Where the sockets of this home belong: in it, or in a temporary directory if its path is long or odd.

    `home` is a resolved path.
    """
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    name = f"civitai-archive-{os.geteuid()}-{digest}"
    for directory in (home / "sockets", Path(tempfile.gettempdir(), name)):
        if _PLAIN.fullmatch(str(directory)) and len(os.fsencode(postgres(directory))) <= _LONGEST_PATH:
            return directory
    return Path("/tmp", name)  # noqa: S108 - `private` trusts nothing that it finds there


@contextlib.contextmanager
def private(directory: Path) -> Iterator[None]:
    """Make `directory` with mode 0700 and remove it at the end.

    One that is there already (of a killed run) is taken if it is ours and closed to others; if it is not, a
    stranger may have made it to listen in our place: `errors.SocketsNotPrivate`.
    """
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise errors.SocketsNotPrivate(directory)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)
