"""Real servers for every test: PostgreSQL and Valkey of our own on unix sockets, an orchestrator on loopback."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from arq.connections import ArqRedis
from hypothesis import HealthCheck
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, queue, settings, tables
from embedded.supervisor import Addresses, Supervisor
from migrations.upgrade import upgrade
from sandbox.server import Sandbox
from tests import ports, reading, serving, working
from tests.orchestration import servers

SECRET = "first-secret-of-the-tests"
OTHER_SECRET = "other-secret-of-the-tests"

# To empty a table costs a file each for it and its indexes, empty or not; a table never written has no page.
WRITTEN = text("SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE pg_relation_size(name::regclass) > 0")


MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes directories of its own there, as it would in /tmp
ROOM = 4 << 30
"""Bytes; a run takes one at most. Containers have 64 MB, and then their disk is used."""

PROCESSES_AT_MOST = 12
"""Each takes half a gigabyte; with more, the longest tests would set the end."""


def pytest_configure() -> None:
    """Judge no example by the clock, and have the files of tests in memory where there is room.

    A machine may do much else; and a disk takes ten milliseconds for each sync.
    """
    hypothesis.settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.load_profile("shared")
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core: half of the time a test waits, for a process, a disk, or the end of a lease."""
    return min(PROCESSES_AT_MOST, 2 * (os.cpu_count() or 1))


@pytest.fixture(autouse=True, scope="session")
def one_authority() -> Iterator[None]:
    """Nobody whom we meet is believed but where a test names him: to read the world's list takes 20 ms a client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(servers.NOBODY))
        yield


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """PostgreSQL, migrated, and Valkey: ours alone."""
    with Supervisor(tmp_path_factory.mktemp("home"), durable=False) as addresses:
        upgrade(addresses.database_url)
        yield addresses


@pytest.fixture(scope="session")
def history(addresses: Addresses) -> Iterator[Addresses]:
    """A database full of history, beside the one of all tests; only to be read."""
    with reading.history(addresses) as filled:
        yield filled


@pytest.fixture
async def engine(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    """An engine on empty tables."""
    engine = database.create_engine(addresses.database_url, application_name="tests")
    async with engine.begin() as connection:
        if written := (await connection.scalars(WRITTEN, {"names": list(tables.metadata.tables)})).all():
            await connection.execute(text(f"TRUNCATE {', '.join(written)} RESTART IDENTITY CASCADE"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def redis(addresses: Addresses) -> AsyncIterator[ArqRedis]:
    """An empty Valkey."""
    async with queue.client(addresses.redis_url) as redis:
        await redis.flushall()
        yield redis


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Civitai's side, quick and generous."""
    async with Sandbox(callback_retries=(0.05, 0.1, 0.2)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(addresses: Addresses, sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What the environment of a process would say; a test may add to it."""
    return {
        "ARCHIVE_HOME": str(tmp_path / "home"),
        "BLOB_ALLOW_PRIVATE": "true",
        "CALLBACK_SECRETS": f"first:{SECRET},other:{OTHER_SECRET}",
        "CIVITAI_API_TOKEN": sandbox.token,
        "CIVITAI_API_URL": sandbox.api_url,
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "STORAGE_URL": (tmp_path / "storage").as_uri(),
    }


@pytest.fixture
def config(environment: dict[str, str], engine: AsyncEngine, redis: ArqRedis) -> settings.Settings:
    """Settings on empty tables and an empty queue."""
    del engine, redis
    return settings.read(environment)


@pytest.fixture
async def receiver(config: settings.Settings) -> AsyncIterator[str]:
    """A receiver that serves; its address."""
    async with serving.receiver(config) as url:
        yield url


@pytest.fixture
def worker(config: settings.Settings) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """`async with worker():` has a worker run for the length of the block."""
    return lambda: working.worker(config)


@pytest.fixture
def free_port() -> int:
    """A port of loopback on which nobody listens."""
    return ports.free()
