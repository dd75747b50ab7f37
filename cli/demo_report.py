"""What the demo shows: the way of each workflow as it goes, the proof at the end, and what to try next."""

import asyncio
import hashlib
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from rich import filesize
from rich.console import Console, Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings, storage
from cli import failures
from sandbox.server import Sandbox

PROGRESS = """
SELECT w.id, w.told_status, w.archived_at IS NOT NULL AS archived,
       count(r.id) AS results, count(r.stored_at) AS stored, coalesce(sum(o.size), 0)::bigint AS bytes,
       extract(epoch FROM w.archived_at - coalesce(min(e.occurred_at), w.completed_at))::float AS seconds
FROM workflows w
LEFT JOIN results r ON r.workflow_id = w.id
LEFT JOIN objects o ON o.digest = r.object_digest
LEFT JOIN LATERAL (SELECT occurred_at FROM events
                   WHERE workflow_id = w.id AND scope = 'workflow' AND status = w.status LIMIT 1) e ON true
GROUP BY w.id
"""

SUGGESTIONS = (
    "SELECT step, path, kind, encode(object_digest, 'hex') AS sha256 FROM results ORDER BY workflow_id, path LIMIT 5",
    "SELECT scope, status, count(*), sum(deliveries) AS deliveries FROM events GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT type, output->'choices'->0->'message'->>'content' AS said FROM steps WHERE type = 'chatCompletion'",
)

_SPINNER = Spinner("dots")


@dataclass(frozen=True)
class Line:
    """One workflow as far as it has come. `seconds` are from when its terminal event occurred to archived."""

    workflow_id: str
    type: str
    status: str
    results: int
    stored: int
    bytes: int
    archived: bool
    seconds: float | None


async def progress(engine: AsyncEngine, types: Mapping[str, str]) -> list[Line]:
    """How far each of these workflows (id to step type) has come."""
    async with engine.connect() as connection:
        rows = {row.id: row for row in await connection.execute(text(PROGRESS))}
    lines = []
    for workflow_id, kind in types.items():
        row = rows.get(workflow_id)
        if row is None:
            lines.append(Line(workflow_id, kind, "submitted", 0, 0, 0, archived=False, seconds=None))
            continue
        status = "archived" if row.archived else row.told_status or "heard of"
        lines.append(Line(workflow_id, kind, status, row.results, row.stored, row.bytes, row.archived, row.seconds))
    return lines


def picture(lines: Sequence[Line], elapsed: float) -> RenderableType:
    """The workflows as a table, with their sum."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("", "step type", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("results", "bytes", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("workflow")
    for line in lines:
        table.add_row(
            Text("✓", style="green") if line.archived else _SPINNER,
            line.type,
            Text(line.status, style="green" if line.archived else "yellow"),
            _results(line),
            filesize.decimal(line.bytes) if line.bytes else "–",
            "" if line.seconds is None else f"{line.seconds:.2f}",
            Text(line.workflow_id, style="dim", overflow="ellipsis", no_wrap=True),
        )
    archived = sum(line.archived for line in lines)
    total = filesize.decimal(sum(line.bytes for line in lines))
    stored = sum(line.stored for line in lines)
    summary = f"\n{archived} of {len(lines)} workflows archived, {stored} results, {total}, {elapsed:.1f} s"
    return Group(table, Text(summary, style="bold"))


async def compare(console: Console, config: settings.Settings, engine: AsyncEngine, sandbox: Sandbox) -> None:
    """Compare what was stored with what the stand-in served, byte for byte by SHA-256. Raises CommandFailed."""
    async with httpx.AsyncClient(trust_env=False) as http:
        served = (await http.get(f"{sandbox.api_url}/sandbox/blobs")).raise_for_status().json()
    expected = {blob["id"]: blob["sha256"] for blob in served if not blob["path"].endswith(".previewUrl")}
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT blob_id, object_digest FROM results"))).all()
    kept = {row.blob_id: row.object_digest for row in rows if row.object_digest is not None}
    root = _local_path(config.storage_url)
    wrong = [
        blob_id
        for blob_id, sha256 in expected.items()
        if blob_id not in kept
        or kept[blob_id].hex() != sha256
        or await asyncio.to_thread(_sha256_of, root / storage.object_name(kept[blob_id])) != sha256
    ]
    unexpected = [blob_id for blob_id in kept if blob_id not in expected]
    if wrong or unexpected:
        names = ", ".join(str(name) for name in [*wrong, *unexpected][:5])
        raise failures.CommandFailed(
            f"{len(wrong)} of {len(expected)} results are missing or differ from what was served, "
            f"{len(unexpected)} were not expected: {names}."
        )
    console.print(
        Text(f"✓ the SHA-256 of all {len(expected)} stored results is that of what was served", style="green")
    )


def tell_what_next(console: Console, home: Path, config: settings.Settings, *, kept: bool) -> None:
    """Say where the files are, and what to ask the database."""
    root = _local_path(config.storage_url)
    console.print(f"\nThe files are in [bold]{root}[/bold]: objects/ by digest, workflows/ by day.", soft_wrap=True)
    if kept:
        console.print("All of it runs until Ctrl-C. In another terminal, try:\n")
    else:
        console.print(
            f"To ask the database, run [bold]{_program()} demo --keep[/bold], and in another terminal:\n",
            soft_wrap=True,
        )
    command = f"ARCHIVE_HOME={shlex.quote(str(home))} {shlex.quote(_program())} sql"
    for suggestion in SUGGESTIONS:
        print(f'  {command} "{suggestion}"')  # noqa: T201 - one line, to be copied
    print(flush=True)  # noqa: T201


def _program() -> str:
    """This command as a shell finds it: by its name, or else where it lies."""
    name = "civitai-archive"
    return name if shutil.which(name) else str(Path(sys.executable).with_name(name))


def _results(line: Line) -> str:
    return f"{line.stored}/{line.results}" if line.results else "document" if line.archived else "–"


def _local_path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
