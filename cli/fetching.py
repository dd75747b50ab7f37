"""Contents had as files: the sources opened, progress shown on a terminal, and what came of each printed."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from archive import settings
from archive.storage import opening
from cli import account, downloads, failures, printing, sources, tables
from orchestration.blobs import BlobClient

COLUMNS = ("file", "size", "sha256", "from")


async def have(
    config: settings.Settings,
    choice: sources.Choice,
    directory: Path,
    wanted: Sequence[downloads.Wanted],
    *,
    json: bool,
) -> None:
    """Have these contents as files in a directory. Raises CommandFailed if any is missing."""
    async with contextlib.AsyncExitStack() as stack:
        civitai = blobs = None
        if choice != "archive" and config.api_token is not None:
            civitai = await stack.enter_async_context(account.client(config))
            blobs = await stack.enter_async_context(BlobClient(allow_private=config.blob_allow_private))
        storage = opening.open_storage(config) if any(each.digest for each in wanted) else None
        files, counted = stack.enter_context(_shown(len(wanted)))
        had = await downloads.Downloads(
            directory, downloads.Sources(storage, civitai, blobs), files, on_end=counted
        ).fetch_all(wanted)
    _print(wanted, had, json=json)
    if missing := sum(isinstance(each, Exception) for each in had):
        raise failures.CommandFailed(f"{missing} of {len(had)} missing.")


@contextlib.contextmanager
def _shown(count: int) -> Iterator[tuple[Progress, Callable[[], None]]]:
    """On a terminal, bars: of the files that are under way, and of how many have ended, which the function counts."""
    console = Console(stderr=True, highlight=False)
    files = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=True,
    )
    ended = Progress(TextColumn("files"), BarColumn(bar_width=None), MofNCompleteColumn(), console=console, expand=True)
    task = ended.add_task("files", total=count)
    is_watched = sys.stderr.isatty()
    with Live(Group(files, ended), console=console, transient=True) if is_watched else contextlib.nullcontext():
        yield files, lambda: ended.advance(task)


def _print(wanted: Sequence[downloads.Wanted], had: Sequence[downloads.Had | Exception], *, json: bool) -> None:
    rows = [(str(each.path), each.size, each.digest, each.source) for each in had if isinstance(each, downloads.Had)]
    if json:
        tables.show(COLUMNS, rows, "json")
    elif rows:
        tables.show(COLUMNS, rows, "table")
    for one, each in zip(wanted, had, strict=True):
        if isinstance(each, Exception):
            failure = failures.explain(each)
            printing.note(f"Missing: {one.stem}: {failure.sentence if failure else repr(each)}")
