"""A Civitai that misbehaves on demand, and the tools of a worker that speaks with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from archive.storage.local import LocalStorage
from embedded.supervisor import Addresses
from tests.archive import holding
from tests.worker import civitai as misbehaving
from tests.worker import pruning
from tests.worker.civitai import Civitai
from worker import recognise_storage
from worker.tools import Tools, open_tools


@pytest.fixture(scope="session")
async def running_civitai() -> AsyncIterator[Civitai]:
    async with misbehaving.running() as civitai:
        yield civitai


@pytest.fixture
def civitai(running_civitai: Civitai) -> Civitai:
    """Civitai, which knows nothing yet."""
    running_civitai.forget()
    return running_civitai


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Where its archive keeps the files."""
    return tmp_path / "storage"


@pytest.fixture
def environment_there(addresses: Addresses, civitai: Civitai, storage: Path) -> dict[str, str]:
    """What the environment of a process would say that archives what is there."""
    return {
        "BLOB_ALLOW_PRIVATE": "true",
        "CIVITAI_API_TOKEN": "a-token",
        "CIVITAI_API_URL": civitai.api_url,
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "STORAGE_URL": storage.as_uri(),
    }


@pytest.fixture
def config_there(environment_there: dict[str, str], engine: AsyncEngine, redis: ArqRedis) -> settings.Settings:
    """The same, read; on empty tables and an empty queue."""
    del engine, redis
    return settings.read(environment_there)


@pytest.fixture
async def tools(config_there: settings.Settings) -> AsyncIterator[Tools]:
    async with open_tools(config_there) as tools:
        yield tools


@pytest.fixture
async def store(engine: AsyncEngine, tmp_path: Path) -> LocalStorage:
    """A storage in which w1 (tag alpha: cat, dog) and w2 (tag beta: fox, and the same cat) are archived."""
    store = LocalStorage(tmp_path / "storage")
    await recognise_storage.recognise(engine, store)
    for workflow_id in holding.WORKFLOWS:
        await holding.hold(engine, store, workflow_id)
    await pruning.in_a_segment(engine)
    return store
