"""Whether all that the archive works with answers: Civitai, PostgreSQL, Redis, the storage and the receiver."""

import asyncio
from collections.abc import Awaitable, Callable

from archive import settings
from cli import account, failures, printing
from orchestration import errors

Check = Callable[[settings.Settings], Awaitable[str | None]]
"""What there is to say of what answers; None where nothing is set to be asked. Raises what is wrong."""

RECEIVER_SECONDS = 10.0


def run() -> None:
    """Print a line for each. Raises CommandFailed, for want of credentials with their exit code."""
    config = account.read_settings()
    asyncio.run(_run(config))


async def _run(config: settings.Settings) -> None:
    worst = 0
    for name, check in CHECKS.items():
        try:
            told = await check(config)
        except Exception as error:
            failure = failures.explain(error)
            if failure is None:
                raise
            printing.text(f"{name:<9} FAILED  {failure.sentence}")
            worst = max(worst, failure.exit_code if name == "Civitai" else failures.FAILED)
        else:
            printing.text(f"{name:<9} {'ok      ' if told else '-       '}{told or 'not set'}")
    if worst:
        raise failures.CommandFailed("something does not work; the lines above say what.", exit_code=worst)


async def _civitai(config: settings.Settings) -> str:
    async with account.client(config) as civitai:
        page = await civitai.query(take=1)
    return f"{errors.without_secrets(config.api_url)} ({len(page.items)} workflow(s) in the test listing)"


async def _database(config: settings.Settings) -> str | None:
    if config.database_url is None:
        return None
    from sqlalchemy import text

    from archive import database

    async with database.connect_once(config.database_url.reveal(), application_name="civitai-archive test") as asked:
        known = (await asked.execute(text("SELECT to_regclass('workflows') IS NOT NULL"))).scalar()
        if not known:
            raise failures.CommandFailed("it has no tables yet: run civitai-archive migrate.")
        archived = (await asked.execute(text("SELECT count(archived_at) FROM workflows"))).scalar()
    return f"{archived} workflow(s) archived"


async def _redis(config: settings.Settings) -> str | None:
    if config.redis_url is None:
        return None
    from archive import queue

    async with queue.client(config.redis_url.reveal()) as redis:
        await redis.ping()
    return "it rings"


async def _storage(config: settings.Settings) -> str | None:
    from archive.storage import opening

    marked = await opening.open_storage(config).marked()
    return f"{config.storage_url}{'' if marked else ' (not used yet)'}"


async def _receiver(config: settings.Settings) -> str | None:
    if config.public_url is None:
        return None
    import httpx

    url = f"{config.public_url}/health"
    try:
        async with httpx.AsyncClient(timeout=RECEIVER_SECONDS) as http:
            answer = await http.get(url)
    except httpx.HTTPError as error:
        raise failures.CommandFailed(f"{url} does not answer ({str(error) or type(error).__name__}).") from error
    if not answer.is_success:
        raise failures.CommandFailed(f"{url} answers {answer.status_code}: is PUBLIC_URL the receiver's?")
    return config.public_url


CHECKS: dict[str, Check] = {
    "Civitai": _civitai,
    "database": _database,
    "Redis": _redis,
    "storage": _storage,
    "receiver": _receiver,
}
