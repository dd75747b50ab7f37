"""Contents had as files: the sources opened, progress shown on a terminal, and what came of each printed."""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from archive import settings, storages
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
        storage = storages.open_storage(config) if any(each.digest for each in wanted) else None
        progress = stack.enter_context(_progress())
        had = await downloads.Downloads(directory, downloads.Sources(storage, civitai, blobs), progress).fetch_all(
            wanted
        )
    _print(wanted, had, json=json)
    if missing := sum(isinstance(each, Exception) for each in had):
        raise failures.CommandFailed(f"{missing} of {len(had)} missing.")


def _progress() -> Progress:
    """Bars on a terminal; nothing where nobody watches."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True, highlight=False),
        disable=not sys.stderr.isatty(),
        expand=True,
    )


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
