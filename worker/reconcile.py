"""Reconcile: list what Civitai has, and make due what was never announced, or announced and not finished."""

import structlog

from archive import announcements, listings
from archive.ranges import Listing
from worker import civitai, walk

log = structlog.get_logger()


async def reconcile(
    lister: civitai.Caller, *, public_url: str | None, tell: walk.Told | None = None, wait: walk.Wait | None = None
) -> Listing:
    """Walk from where the last reconcile began to the newest workflow, then count how callbacks were delivered.

    Raises what `walk.walk` raises: the next reconcile goes on from there.
    """
    async with lister.engine.begin() as connection:
        listing = await listings.begin_reconcile(connection)
    listing = await walk.walk(lister, listing, tell=tell, wait=wait)
    while True:
        async with lister.engine.begin() as connection:
            if not await announcements.count(connection, public_url):
                break
    log.info("reconciled", listed=listing.listed, unheard=listing.unheard, unfinished=listing.unfinished)
    return listing
