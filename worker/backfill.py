"""Backfill: the same walk as a reconcile's, through a range that a person names."""

from datetime import UTC, datetime

from archive import listings, ranges
from archive.ranges import Listing, Range
from worker import civitai, walk


async def backfill(
    lister: civitai.Caller,
    wanted: Range,
    *,
    anew: bool,
    tell: walk.Told | None = None,
    wait: walk.Wait | None = None,
) -> Listing:
    """Make due what Civitai lists in the range and we never heard of; the finished listing.

    It goes on where the last one of the same range stopped, if that was not finished; `anew` from the first page.
    Raises what `walk.walk` raises.
    """
    async with lister.engine.begin() as connection:
        listing = await listings.begin_backfill(connection, wanted, anew=anew)
    return await walk.walk(lister, listing, tell=tell, wait=wait)


async def count(
    lister: civitai.Caller, wanted: Range, *, tell: walk.Told | None = None, wait: walk.Wait | None = None
) -> Listing:
    """What a backfill of the range would find, page by page and without a row of its own. Raises the same."""
    uncounted = ranges.unwritten(wanted, begun_at=datetime.now(UTC))
    return await walk.walk(lister, uncounted, tell=tell, wait=wait, dry=True)
