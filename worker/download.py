"""One result's bytes: from its signed URL to storage, with a fresh URL whenever it takes one."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from archive import results
from archive.media import contents
from orchestration import errors
from orchestration import results as finder
from worker import civitai
from worker.ledger import Stored
from worker.tools import Tools

URL_MARGIN = timedelta(seconds=5)
"""A URL that expires within this time is refreshed before it is used."""


class Blocked(Exception):
    """Civitai's API says that it keeps the content back, and why."""


class NotAvailable(errors.Transient):
    """Civitai has not made the content available yet, it will be asked for again."""


class NotTheResult(errors.Transient):
    """The content is not the result that was promised, download it again."""


async def download(tools: Tools, result: results.Pending) -> Stored:
    """Fetch a result's content and store it.

    Raises Blocked, civitai.Paused, an OrchestrationError, or StorageUnavailable.
    """
    fresh_url = partial(_fresh_url, tools, result)
    try:
        url = await fresh_url() if result.url is None or is_expired(result) else result.url
        return await _store(tools, result, url, fresh_url)
    except errors.Withheld:
        # A placeholder came. Only the API can say why, and whether it is for good: of a blob whose id is known.
        if result.blob_id is not None:
            await fresh_url()
        raise NotAvailable(call="download", id=result.blob_id, detail="a placeholder came") from None


def is_expired(result: results.Pending) -> bool:
    """Whether its URL says of itself that it is dead, or about to be."""
    return result.url_expires_at is not None and result.url_expires_at <= datetime.now(UTC) + URL_MARGIN


async def _fresh_url(tools: Tools, result: results.Pending) -> str:
    """A URL signed just now. Without a blob id there is none to ask for: the next fetch of the workflow brings one."""
    blob_id = result.blob_id
    if blob_id is None and result.url is None:
        raise NotAvailable(call="download", id=result.path)
    if blob_id is None:
        raise errors.UrlExpired(call="refresh", id=result.path)
    blob = finder.read_blob(await civitai.ask(tools, partial(tools.api.refresh, blob_id)))
    if blob.blocked_reason and not blob.available:
        raise Blocked(blob.blocked_reason)
    if blob.url is None or blob.available is False:
        raise NotAvailable(call="refresh", id=blob_id)
    return blob.url


async def _store(tools: Tools, result: results.Pending, url: str, fresh_url: Callable[[], Awaitable[str]]) -> Stored:
    """Stream to a temporary file while hashing; durable under its digest when this returns."""
    async with tools.storage.receive() as incoming, AsyncExitStack() as until_kept:
        # Others may use the connection while this content is hashed and synced.
        async with tools.slots.connection(url), tools.blobs.open(url, fresh_url) as content:
            await until_kept.enter_async_context(tools.slots.room(content.length))
            async for chunk in content.chunks:
                await incoming.write(chunk)
        facts = await contents.inspect(incoming)
        if fault := contents.mismatch(result.kind, content.media_type, facts):
            raise NotTheResult(call="download", url=content.url, detail=fault)
        facts = replace(facts, media_type=facts.media_type or content.media_type)
        await tools.storage.keep(incoming, media_type=facts.media_type)
    return Stored(incoming.digest, facts)
