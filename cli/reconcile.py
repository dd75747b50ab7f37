"""What Civitai has and never announced, since the last look at its listing."""

import typer

from archive.ranges import Listing
from cli import machine, walking
from worker import reconcile, walk


def run() -> None:
    """Do at once what the worker does every few minutes, and say what was found. Raises CommandFailed."""
    config = machine.read_settings()

    async def look(lister: walk.Lister, tell: walk.Told, wait: walk.Wait) -> Listing:
        return await reconcile.reconcile(lister, public_url=config.public_url, tell=tell, wait=wait)

    done = walking.run(config, "reconcile", look)
    typer.echo(
        f"{done.listed:,} workflows listed since {done.from_date:%Y-%m-%d %H:%M} UTC; {done.unheard:,} of them never "
        f"heard of, and {done.unfinished:,} that had ended unannounced: due now."
    )
