"""One receiver for all tests of it: the tables are emptied under it, as `engine` does."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from archive import settings
from embedded.supervisor import Addresses
from receiver.spool import Spool
from tests import serving
from tests.conftest import OTHER_SECRET, SECRET


@pytest.fixture(scope="session")
def config(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> settings.Settings:
    """What a receiver needs, and no more."""
    home: Path = tmp_path_factory.mktemp("receiver")
    return settings.read(
        {
            "ARCHIVE_HOME": str(home),
            "CALLBACK_SECRETS": f"first:{SECRET},other:{OTHER_SECRET}",
            "DATABASE_URL": addresses.database_url,
            "REDIS_URL": addresses.redis_url,
        }
    )


@pytest.fixture(scope="session")
async def receiver(config: settings.Settings) -> AsyncIterator[str]:
    """A receiver that serves; its address."""
    async with serving.receiver(config) as url:
        yield url


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A spool that is empty."""
    spool = Spool(tmp_path / "spool", bytes_at_most=1 << 20)
    yield spool
    spool.close()


@pytest.fixture
async def http(receiver: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=receiver, timeout=60) as http:
        yield http
