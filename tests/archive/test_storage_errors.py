import errno
from pathlib import Path

import pytest

from archive.storage_errors import StorageUnavailable, trouble

PLACE = Path("/srv/archive")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The storage in /srv/archive cannot be used (No space left on device): make room there."),
        (errno.EROFS, "The storage in /srv/archive cannot be used (Read-only file system): mount it for writing."),
        (
            errno.EACCES,
            "The storage in /srv/archive cannot be used (Permission denied): "
            "let the user that we run as read and write there.",
        ),
        (
            errno.EIO,
            "The storage in /srv/archive cannot be used (Input/output error): "
            "check that its volume is there, mounted and sound.",
        ),
    ],
)
def test_the_system_s_error_becomes_a_sentence_with_what_to_do(number: int, sentence: str) -> None:
    with pytest.raises(StorageUnavailable) as caught, trouble(PLACE):
        raise OSError(number, "whatever")
    assert str(caught.value) == sentence


def test_what_is_said_already_is_said_once() -> None:
    with pytest.raises(StorageUnavailable, match=r"^as it is$"), trouble(PLACE), trouble(PLACE):
        raise StorageUnavailable("as it is")


def test_our_own_faults_are_not_storage_s() -> None:
    with pytest.raises(ValueError, match="ours"), trouble(PLACE):
        raise ValueError("ours")
