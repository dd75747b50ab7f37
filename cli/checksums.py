"""The checksums of downloaded files, as `sha256sum --check` reads them: one file beside those that it is about."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

NAME = "manifest-sha256.txt"


def read(directory: Path) -> dict[str, str]:
    """Name → SHA-256 in hex, as the file says; nothing without one."""
    try:
        lines = (directory / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if len(digest) == 64 and name}


def record(directory: Path, name: str, digest: str) -> None:
    """Say what a file's checksum is, in place of what was said of that name before."""
    told = read(directory) | {name: digest}
    content = "".join(f"{told[each]}  {each}\n" for each in sorted(told))
    descriptor, beside = tempfile.mkstemp(prefix=f".{NAME}.", dir=directory)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(beside, 0o644)
        os.replace(beside, directory / NAME)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
