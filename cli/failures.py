"""What a failure means to the person at the terminal: one sentence, and an exit code."""

import errno
from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import exc

from archive import database, settings, trees
from archive.storage_errors import StorageUnavailable
from cli import processes, tables
from embedded.errors import EmbeddedError

FAILED, USAGE, CREDENTIALS, NOT_FOUND = 1, 2, 3, 4

_TOKENS = ("CIVITAI_API_TOKEN", "CIVITAI_API_KEY")
_OF_DISKS = (errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EROFS)


class CommandFailed(Exception):
    """A command cannot do what it was asked; the message says why and what to do."""

    def __init__(self, sentence: str, *, exit_code: int = FAILED) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Failure:
    """What to say, and what to exit with."""

    sentence: str
    exit_code: int


def explain(error: Exception) -> Failure | None:
    """The failure behind an exception, or None if it is a fault of ours, which deserves its traceback."""
    match error:
        case CommandFailed():
            return Failure(str(error), error.exit_code)
        case settings.SettingsError():
            return Failure(str(error), CREDENTIALS if error.variable in _TOKENS else USAGE)
        case processes.Ended():
            return Failure(f"{error}.", error.exit_code)
        case EmbeddedError() | StorageUnavailable() | trees.InTheWay():
            return Failure(str(error), FAILED)
        case RedisError():
            return Failure(f"Redis does not serve us ({_line(error)}): check REDIS_URL, and that it runs.", FAILED)
        case OSError() if error.filename is not None or error.errno in _OF_DISKS:
            return Failure(f"{error.filename or 'the output'} cannot be read or written: {error.strerror}.", FAILED)
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    if getattr(cause, "sqlstate", None):  # it answered
        return Failure(f"PostgreSQL refused: {_line(cause)}.", FAILED)
    if database.is_unavailable(error):
        return Failure(f"PostgreSQL does not answer ({_line(cause)}): check DATABASE_URL, and that it runs.", FAILED)
    return None


def _line(error: BaseException) -> str:
    """The error's own first line, without the class names that drivers put before it, fit for a terminal."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if line.startswith("<class "):
        line = line.partition(">: ")[2]
    return tables.printable(line).rstrip(".")
