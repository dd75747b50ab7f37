"""Where the bytes lie: objects under their SHA-256, and documents that are replaced whole.

`Storage` is all that the rest of the house knows of it. What `keep` and `write` have returned from is durable:
it survives the loss of power.

A marker, a small document at the top, tells a storage from an empty directory into which its volume was not mounted.
The id that it carries is remembered in the database (`archive.marker`).
"""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archive.storage.incoming import Incoming
from archive.storage_errors import StorageUnavailable

READ_BYTES = 1 << 20

MARKER = "civitai-archive.json"
MARKER_FORMAT = "civitai-archive/storage/1"
MARKER_MEDIA_TYPE = "application/json"


@dataclass(frozen=True)
class Entry:
    """What a listing tells of a content: its name, its size in bytes, and when it came to lie there."""

    name: str
    size: int
    written_at: datetime


class Storage(Protocol):
    """The promises of every kind of storage. Each method may raise StorageUnavailable.

    url: where it is, without anything secret.
    id: what its marker must carry, once that is known. Before something is written, moved or removed, and before
    something is said to be missing, a storage that knows its id makes sure that it is still the same one.
    """

    url: str
    id: str | None

    async def marked(self) -> str | None:
        """The id in its marker; None if it is empty, or not there yet. Raises also when it holds something else."""

    async def mark(self, storage_id: str) -> None:
        """Make it if it is not there yet, and write its marker."""

    def receive(self) -> AbstractAsyncContextManager[Incoming]:
        """A place to receive a content; what was not kept by its end is removed."""

    async def keep(self, incoming: Incoming, *, media_type: str | None) -> None:
        """Put a received content under its digest, durably.

        What is there already is read: it is left as it is if it hashes right, else replaced.
        """

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        """Put a small content under a name, durably, replacing whole what was there."""

    def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The content under a name, from the byte `start` up to but not including `end`, in chunks.

        Neither may lie beyond its size. Raises FileNotFoundError.
        """

    async def size(self, name: str) -> int | None:
        """The size of the content under a name, None if there is none."""

    def list(self, prefix: str) -> AsyncIterator[Entry]:
        """All that lies in a folder and in those within it, in no order that counts.

        The prefix is a whole folder's name, such as `workflows/2026`. What comes or goes meanwhile may be told or not.
        """

    async def move(self, name: str, to: str) -> None:
        """Give a content another name, durably, replacing what was there. Raises FileNotFoundError.

        If it breaks off, the content lies under its old name, its new one, or both.
        """

    async def remove(self, name: str) -> None:
        """Remove a content, durably. One that is not there is no error."""

    def clear_abandoned(self) -> int:
        """Remove what killed processes of this machine left half received; how many there were."""


def object_name(digest: bytes) -> str:
    """The name in storage of the object with this SHA-256."""
    text = digest.hex()
    return f"objects/sha256/{text[:2]}/{text[2:4]}/{text}"


def marker(storage_id: str) -> bytes:
    """What a marker says."""
    return json.dumps({"format": MARKER_FORMAT, "id": storage_id}).encode()


def read_marker(content: bytes, url: str) -> str:
    """The id in a marker. Raises StorageUnavailable if it is none."""
    try:
        told = json.loads(content)
        if told["format"] == MARKER_FORMAT and isinstance(told["id"], str):
            return told["id"]
    except (ValueError, TypeError, KeyError):
        pass
    raise StorageUnavailable(f"{MARKER} in {url} is not what we write there: put the right one back from a copy.")


def occupied(url: str) -> StorageUnavailable:
    """What to say of a place that holds things and no marker."""
    return StorageUnavailable(
        f"{url} holds other things and no {MARKER}: mount the volume that belongs there, "
        "or let STORAGE_URL name an empty place."
    )


def exchanged(url: str, expected: str, found: str | None) -> StorageUnavailable:
    """What to say of a storage that is not the one that the database belongs to; None: there is no marker."""
    if found is not None:
        return StorageUnavailable(
            f"The storage at {url} belongs to another archive (its id is {found}, ours {expected}): "
            "let STORAGE_URL name the right one."
        )
    return StorageUnavailable(
        f"The storage at {url} is empty, and this archive has used it before: mount its volume; or, if its files are "
        f"lost for good, put {marker(expected).decode()} into {MARKER} there to begin anew."
    )
