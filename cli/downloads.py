"""Results as files in a directory: from storage where they are archived, else from Civitai.

1. A file of that name with the checksum that is on record is there already.
2. What is archived is read from storage, and must have its digest.
3. The rest is downloaded by a client that holds no token; a URL that has expired is exchanged for a fresh one.
4. The bytes are looked at: what cannot be the result is thrown away, and the name ends in what they are.
5. Written and synced under a temporary name, then renamed, then entered among the checksums.

Interrupted downloads go on where they were, if the host can prove that it is still the same content.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from rich.progress import Progress, TaskID

from archive import names, storage
from archive.media import contents
from archive.media.contents import Facts
from cli import checksums, failures
from cli.partial import Partial
from orchestration import errors, results, resumption, retry
from orchestration.blobs import BlobClient, Content
from orchestration.client import Client

AT_ONCE = 4
URL_MARGIN = timedelta(seconds=5)
"""A URL that expires within this time is exchanged before it is used."""

NOT_YET = "Civitai has not made it available yet: try again later."


@dataclass(frozen=True)
class Wanted:
    """A content to have as a file.

    stem: the file's name without its ending, safe and its own. kind: Civitai's word for it.
    digest: its SHA-256 in hex if it is in storage, with its size. why_not: why it cannot be had, if that is known.
    """

    stem: str
    kind: str | None = None
    digest: str | None = None
    size: int | None = None
    blob_id: str | None = None
    url: str | None = field(default=None, repr=False)
    url_expires_at: datetime | None = None
    why_not: str | None = None


@dataclass(frozen=True)
class Had:
    """A content that is a file now, and where its bytes came from."""

    path: Path
    size: int
    digest: str
    source: Literal["archive", "live", "disk"]


class Missing(failures.CommandFailed):
    """One content could not be had; the message says why."""


@dataclass(frozen=True)
class Sources:
    """Where contents may be had; None: not from there."""

    storage: storage.Storage | None
    civitai: Client | None
    blobs: BlobClient | None


class Downloads:
    """Downloads into one directory, which is made if need be.

    `progress` shows those that are under way; `on_end` is called for each that has come to its end, good or bad.
    """

    def __init__(
        self, directory: Path, sources: Sources, progress: Progress, *, on_end: Callable[[], None] = lambda: None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._sources, self._progress, self._on_end = directory, sources, progress, on_end
        self._recording = asyncio.Lock()

    async def fetch_all(self, wanted: Sequence[Wanted]) -> list[Had | Exception]:
        """Have them all, a few at once: for each what it is now, or why it is missing."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(each: Wanted) -> Had | Exception:
            async with slots:
                try:
                    return await self._fetch(each)
                except (errors.OrchestrationError, failures.CommandFailed) as error:
                    return error
                except OSError as error:
                    error.filename = error.filename or str(self._directory)  # a write that failed does not say where
                    return error
                finally:
                    self._on_end()

        return await asyncio.gather(*(one(each) for each in wanted))

    async def _fetch(self, wanted: Wanted) -> Had:
        if (had := await asyncio.to_thread(self._on_disk, wanted)) is not None:
            return had
        task = self._progress.add_task(wanted.stem, total=wanted.size)
        try:
            return await self._bring(wanted, task)
        finally:
            self._progress.remove_task(task)

    async def _bring(self, wanted: Wanted, task: TaskID) -> Had:
        subject = wanted.digest or wanted.blob_id or errors.without_secrets(wanted.url or "")
        source: Literal["archive", "live"] = "live"
        with Partial(self._directory, wanted.stem, subject) as partial:
            if wanted.digest and self._sources.storage:
                source, claimed = "archive", None
                await self._copy(self._sources.storage, wanted.digest, partial, task)
            else:
                claimed = await self._download(wanted, partial, task)
            found = await asyncio.to_thread(partial.media_type)
            if fault := contents.mismatch(wanted.kind, claimed, Facts(partial.size, found)):
                partial.discard()
                raise Missing(f"what came is not the result: {fault}; try again later.")
            path = await partial.finish(names.extension(found or claimed))
            async with self._recording:
                await asyncio.to_thread(checksums.record, self._directory, path.name, partial.digest)
        return Had(path, partial.size, partial.digest, source)

    def _on_disk(self, wanted: Wanted) -> Had | None:
        for name, digest in checksums.read(self._directory).items():
            path = self._directory / name
            is_it = Path(name).name == name and path.stem == wanted.stem and wanted.digest in (None, digest)
            if is_it and path.is_file() and checksums.of(path) == digest:
                return Had(path, path.stat().st_size, digest, "disk")
        return None

    async def _copy(self, source: storage.Storage, digest: str, partial: Partial, task: TaskID) -> None:
        await partial.begin(0, etag=None, total=None)
        try:
            async for chunk in source.read(storage.object_name(bytes.fromhex(digest))):
                await partial.write(chunk)
                self._progress.update(task, completed=partial.size)
        except FileNotFoundError:
            raise Missing(
                f"its object {digest} is not in storage: civitai-archive verify says what is damaged."
            ) from None
        if partial.digest != digest:
            partial.discard()
            raise Missing(f"its object {digest} is damaged in storage: civitai-archive verify can repair it.")

    async def _download(self, wanted: Wanted, partial: Partial, task: TaskID) -> str | None:
        """The media type that the host claims. Raises Missing, and of the tree in `orchestration.errors`."""
        failed = 0
        while True:
            try:
                async with self._open(wanted, partial.begun()) as content:
                    await partial.begin(content.start, etag=content.etag, total=content.length)
                    self._progress.update(task, total=content.length, completed=content.start)
                    async for chunk in content.chunks:
                        await partial.write(chunk)
                        self._progress.update(task, completed=partial.size)
                    return content.media_type
            except errors.Withheld:
                await self._fresh_url(wanted)  # a placeholder came; the API alone can say why
                raise Missing("a placeholder came instead of it: try again later.") from None
            except errors.Transient as error:
                failed += 1
                now = datetime.now(UTC)
                decision = retry.decide(error, failed, now, schedule=retry.AT_A_TERMINAL)
                if decision is None:
                    raise
                await asyncio.sleep((decision.at - now).total_seconds())

    @asynccontextmanager
    async def _open(self, wanted: Wanted, begun: resumption.Begun | None) -> AsyncIterator[Content]:
        civitai, blobs = self._sources.civitai, self._sources.blobs
        if wanted.why_not:
            raise Missing(wanted.why_not)
        if blobs is None:
            raise Missing("the archive does not have it; --source live asks Civitai for it.")
        url = wanted.url if _is_good(wanted) else None
        if url is None and civitai and wanted.blob_id:
            async with civitai.blob(wanted.blob_id) as given:
                if isinstance(given, Content):
                    yield given
                    return
                url = given
        async with blobs.open(
            url or await self._fresh_url(wanted), functools.partial(self._fresh_url, wanted), begun=begun
        ) as content:
            yield content

    async def _fresh_url(self, wanted: Wanted) -> str:
        """A URL signed just now. Raises Missing where Civitai has none, or nobody can be asked."""
        if self._sources.civitai is None or wanted.blob_id is None:
            raise Missing("its URL has expired, and it has no blob id by which to ask for another.")
        blob = results.read_blob(await self._sources.civitai.refresh(wanted.blob_id))
        if blob.blocked_reason and not blob.available:
            raise Missing(withheld(blob.blocked_reason))
        if blob.url is None or blob.available is False:
            raise Missing(NOT_YET)
        return blob.url


def withheld(reason: str) -> str:
    """What to say of a content that Civitai keeps back."""
    return f"Civitai keeps it back ({reason})."


def _is_good(wanted: Wanted) -> bool:
    expires_at = wanted.url_expires_at
    return wanted.url is not None and (expires_at is None or expires_at > datetime.now(UTC) + URL_MARGIN)
