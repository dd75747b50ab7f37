"""Fixity: whether stored bytes are still those that their SHA-256 says. What is not is moved aside, never deleted."""

import asyncio
import errno
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from archive.storage import Storage, object_name
from archive.storage_errors import StorageUnavailable

ASIDE = "damaged"
"""The folder in storage of what was moved aside."""


@dataclass(frozen=True)
class Finding:
    """What became of an object's bytes; where they lie now, if they were damaged and moved aside."""

    state: Literal["whole", "damaged", "missing"]
    aside: str | None = None


async def look(storage: Storage, digest: bytes) -> Finding:
    """Hash the object. Damaged bytes are moved aside, so that the right ones can take their place.

    Who puts the right ones there at this moment loses nothing: what was moved is hashed once more, and goes back if it
    is right after all. Raises StorageUnavailable.
    """
    name = object_name(digest)
    found = await _sha256(storage, name)
    if found is None:
        return Finding("missing")
    if found == digest:
        return Finding("whole")
    aside = f"{ASIDE}/{digest.hex()}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    try:
        await storage.move(name, aside)
    except FileNotFoundError:  # somebody else has moved it aside
        return Finding("missing")
    if await _sha256(storage, aside) == digest:
        await storage.move(aside, name)
        return Finding("whole")
    return Finding("damaged", aside)


async def _sha256(storage: Storage, name: str) -> bytes | None:
    """The SHA-256 of what lies under the name, None if nothing does; of what the disk cannot read, nothing's."""
    sha256 = hashlib.sha256()
    try:
        async for chunk in storage.read(name):
            await asyncio.to_thread(sha256.update, chunk)
    except FileNotFoundError:
        return None
    except StorageUnavailable as error:
        # A disk says so of the sectors that it has lost; the rest of it may be sound.
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EIO:
            return b""
        raise
    return sha256.digest()
