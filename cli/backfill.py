"""What Civitai has and we never heard of, in a range that a person names."""

import typer

from archive.ranges import Listing, Range
from cli import failures, machine, walking
from worker import backfill, walk


def run(wanted: Range, *, dry_run: bool, restart: bool) -> None:
    """Walk through the range, or go on with it, and say what was found. Raises CommandFailed."""
    if wanted.from_date is not None and wanted.to_date is not None and wanted.from_date > wanted.to_date:
        raise failures.CommandFailed("--from is later than --to: nothing lies between.", exit_code=failures.USAGE)

    async def fill(lister: walk.Lister, tell: walk.Told, wait: walk.Wait) -> Listing:
        if dry_run:
            return await backfill.count(lister, wanted, tell=tell, wait=wait)
        return await backfill.backfill(lister, wanted, anew=restart, tell=tell, wait=wait)

    done = walking.run(machine.read_settings(), "backfill", fill)
    due = "would be due" if dry_run else "due now, after whatever is live"
    typer.echo(
        f"{done.listed:,} workflows listed; {done.unheard:,} of them never heard of, and {done.unfinished:,} that had "
        f"ended unannounced: {due}."
    )
