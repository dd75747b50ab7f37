"""What is wrong with storage, told apart from what is wrong with Civitai: it passes, and nobody's tries are used up."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there, or raise the quota",
    errno.EACCES: "let the user that we run as read and write there",
    errno.EPERM: "let the user that we run as read and write there",
    errno.EROFS: "mount it for writing",
}


class StorageUnavailable(OSError):
    """Storage cannot take or give anything now: full, denied, unreachable, or not what it was."""


@contextmanager
def trouble(place: Path) -> Iterator[None]:
    """Turn the system's errors within the block into StorageUnavailable, which says what is wrong at this place."""
    try:
        yield
    except StorageUnavailable:
        raise
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "check that its volume is there, mounted and sound")
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageUnavailable(f"The storage in {place} cannot be used ({reason}): {advice}.") from error
