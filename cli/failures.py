"""What a failure means to the person at the terminal: one sentence, and an exit code.

Every command imports this; what only some failures need is imported when one of them has come.
"""

import errno
from dataclasses import dataclass

from archive import settings
from cli import tables
from orchestration import errors as orchestration_errors

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
        case ModuleNotFoundError(name="av"):
            return Failure("The stand-in for Civitai makes its media with av: install it (pip install av).", FAILED)
        case settings.SettingsError():
            return Failure(str(error), CREDENTIALS if error.variable in _TOKENS else USAGE)
        case orchestration_errors.OrchestrationError():
            return _of_civitai(error)
    return _of_servers(error)


def _of_servers(error: Exception) -> Failure | None:
    from redis.exceptions import RedisError
    from sqlalchemy import exc

    from archive import database, exports
    from archive.names import trees
    from archive.storage_errors import StorageUnavailable
    from cli import processes
    from embedded.errors import EmbeddedError

    match error:
        case processes.Ended():
            return Failure(f"{error}.", error.exit_code)
        case EmbeddedError() | StorageUnavailable() | trees.InTheWay() | exports.Busy():
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


def _of_civitai(error: orchestration_errors.OrchestrationError) -> Failure:
    match error:
        case orchestration_errors.CredentialError():
            return Failure(str(error), CREDENTIALS)
        case orchestration_errors.NotFound():
            return Failure(f"{error} Is its id right?", NOT_FOUND)
        case orchestration_errors.Permanent(status=None):  # nobody was asked: what was given is no id
            return Failure(f"{tables.printable(error.id or '')!r} cannot be an id.", USAGE)
        case orchestration_errors.Permanent(status=402):
            return Failure(
                f"The account has not enough Buzz for this: add some, or ask for less ({error.detail}).", FAILED
            )
        case orchestration_errors.Transient(retry_after=float() as seconds):
            return Failure(f"{error} It asks us to wait {seconds:.0f} seconds.", FAILED)
    return Failure(str(error), FAILED)


def _line(error: BaseException) -> str:
    """The error's own first line, without the class names that drivers put before it, fit for a terminal."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if line.startswith("<class "):
        line = line.partition(">: ")[2]
    return tables.printable(line).rstrip(".")
