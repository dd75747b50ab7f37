"""The places outside the database in which things lie: storage, and this machine's spool."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive import settings
from archive.storage import opening
from archive.storage_errors import StorageUnavailable

STORAGE_SECONDS = 10.0

STUCK = timedelta(minutes=10)
"""A spool is emptied within seconds once PostgreSQL answers again."""


@dataclass(frozen=True)
class StorageState:
    """Where storage is; why it cannot be used, or None."""

    url: str
    fault: str | None


@dataclass(frozen=True)
class SpoolState:
    """What receivers of this machine keep on disk until PostgreSQL has it."""

    files: int
    bytes: int
    oldest_at: datetime | None

    def fault(self, now: datetime) -> str | None:
        """Why that is too much for too long."""
        if self.oldest_at is None or now - self.oldest_at < STUCK:
            return None
        return f"{self.files} spool files wait since {self.oldest_at:%Y-%m-%d %H:%M} UTC: is a receiver running?"


async def storage_state(config: settings.Settings, expected: str | None) -> StorageState:
    """Whether storage can be reached, and is the one whose id the database has; None: it has none yet."""
    url = config.storage_url
    try:
        storage = opening.open_storage(config)
        url = storage.url
        async with asyncio.timeout(STORAGE_SECONDS):
            found = await storage.marked()
    except StorageUnavailable as error:
        return StorageState(url, str(error))
    except TimeoutError:
        return StorageState(url, f"The storage at {url} does not answer within {STORAGE_SECONDS:.0f} seconds.")
    if expected is not None and found != expected:
        whose = "is empty: mount its volume" if found is None else "belongs to another archive"
        return StorageState(url, f"The storage at {url} {whose}.")
    return StorageState(url, None)


def spool_state(config: settings.Settings) -> SpoolState:
    """What lies in this machine's spool."""
    found = []
    for file in Path(config.home / "spool").glob("*.spool"):
        try:
            found.append(file.stat())
        except FileNotFoundError:
            continue  # replayed meanwhile
    oldest = min((stat.st_ctime for stat in found), default=None)
    return SpoolState(
        files=len(found),
        bytes=sum(stat.st_size for stat in found),
        oldest_at=None if oldest is None else datetime.fromtimestamp(oldest, UTC),
    )
