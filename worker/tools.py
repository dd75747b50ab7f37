"""What every task has at hand, opened and closed once for a process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiolimiter import AsyncLimiter
from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import access, database, queue, settings
from archive.names import browse
from archive.names.browse import Browse
from archive.storage import Storage, opening
from orchestration import blobs, client
from worker import recognise_storage
from worker.allowance import Allowance
from worker.lease import Leases
from worker.shared_writes import SharedWrites
from worker.slots import Slots


@dataclass(frozen=True)
class Tools:
    """The hands of the archiver. The API client holds the token; the blob client cannot.

    engine: for transactions. single: the same connections for what is one statement, and needs no BEGIN and COMMIT.
    """

    config: settings.Settings
    access: access.Access
    engine: AsyncEngine
    single: AsyncEngine
    redis: ArqRedis
    storage: Storage
    browse: Browse | None
    api: client.Client
    calls: AsyncLimiter
    blobs: blobs.BlobClient
    slots: Slots
    leases: Leases
    shared: SharedWrites
    allowance: Allowance


@asynccontextmanager
async def open_tools(config: settings.Settings) -> AsyncIterator[Tools]:
    """The tools for these settings. Raises SettingsError when they lack what a worker needs."""
    token = config.required_api_token().reveal()
    database_url, redis_url = config.required_database_url(), config.required_redis_url()
    async with AsyncExitStack() as stack:
        engine = database.create_engine(database_url, application_name="civitai-archive worker")
        stack.push_async_callback(engine.dispose)
        store = opening.open_storage(config)
        await recognise_storage.recognise(engine, store)
        store.clear_abandoned()
        shared = SharedWrites(engine, config)
        stack.push_async_callback(shared.aclose)
        yield Tools(
            config=config,
            access=access.Access(config.callback_secrets),
            engine=engine,
            single=engine.execution_options(isolation_level="AUTOCOMMIT"),
            redis=await stack.enter_async_context(queue.client(redis_url)),
            storage=store,
            browse=browse.open_browse(config, store),
            # One try a call: a failed one is a row, and the next a claim.
            api=await stack.enter_async_context(client.Client(config.api_url, token, retries=None)),
            calls=AsyncLimiter(config.api_calls_per_second, 1),
            blobs=await stack.enter_async_context(blobs.BlobClient(allow_private=config.blob_allow_private)),
            slots=Slots(),
            leases=Leases(engine),
            shared=shared,
            allowance=Allowance(config.verify_bytes_per_day),
        )
