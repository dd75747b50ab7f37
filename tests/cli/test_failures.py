import errno
import os

import pytest
from redis.exceptions import ConnectionError as RedisAway

from archive import settings
from cli import failures


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (failures.CommandFailed("no.", exit_code=4), "no.", 4),
        (RedisAway("Error 111 connecting."), "Redis does not serve us (Error 111 connecting): check REDIS_URL", 1),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a"),
            "/a cannot be read or written: Permission denied.",
            1,
        ),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the output cannot be read or written: No space left", 1),
        (ConnectionRefusedError(111, "refused"), "PostgreSQL does not answer ([Errno 111] refused): check", 1),
        (settings.SettingsError("DATABASE_URL", "is bad"), "DATABASE_URL is bad. Example: DATABASE_URL=postgresql", 2),
        (ModuleNotFoundError("No module named 'av'", name="av"), "The stand-in for Civitai makes its media with av", 1),
        (settings.SettingsError("CIVITAI_API_KEY", "is bad"), "CIVITAI_API_KEY is bad. Example: ", 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_is_a_sentence_and_a_code(error: Exception, sentence: str, code: int) -> None:
    failure = failures.explain(error)
    assert failure is not None
    assert failure.sentence.startswith(sentence)
    assert failure.exit_code == code


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert failures.explain(ValueError("ours")) is None
