"""What a failure means to the person at the terminal: one sentence, and an exit code."""

from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import exc

from archive import database, settings
from cli import processes
from embedded.errors import EmbeddedError
from sandbox.server import SandboxError

FAILED, USAGE, CREDENTIALS, NOT_FOUND = 1, 2, 3, 4


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
            return Failure(str(error), CREDENTIALS if error.variable == "CIVITAI_API_TOKEN" else USAGE)
        case processes.Ended():
            return Failure(f"{error}.", error.exit_code)
        case EmbeddedError() | SandboxError():
            return Failure(str(error), FAILED)
        case RedisError():
            return Failure(f"Redis is away ({_line(error)}): check REDIS_URL and start it again.", FAILED)
        case exc.DBAPIError() if not database.is_unavailable(error):
            return Failure(f"PostgreSQL refused: {_line(error.orig or error)}", FAILED)
        case _ if database.is_unavailable(error):
            return Failure(f"PostgreSQL does not answer ({_line(error)}): check DATABASE_URL.", FAILED)
    return None


def _line(error: BaseException) -> str:
    """The error's own first line, without the class names that drivers put before it."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.rpartition(">: ")[2]
