"""Storage in a bucket of an S3-compatible store.

Contents are received on this machine, and uploaded once they are whole. An object appears when its upload is
complete, or not at all. What a killed process leaves of a large upload is invisible, and a matter for the bucket's
lifecycle rule (abort incomplete multipart uploads).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from archive import storage
from archive.settings.s3 import S3Settings
from archive.storage import Entry, incoming, s3_errors
from archive.storage.incoming import Incoming
from archive.storage_errors import StorageUnavailable

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Config  # which is there for type checkers alone

CONNECT, ANSWER = "10s", "120s"
RETRIES, RETRYING = 2, timedelta(seconds=30)

PART_BYTES = 5 << 20
"""The smallest that S3 allows: parts are what an upload takes of memory."""
PARTS_AT_MOST = 9_000  # S3 allows 10,000
PARTS_AT_ONCE = 2
UPLOADS_AT_ONCE = 8
COPIED_AT_MOST = 5 << 30
"""What S3 copies at once, by itself."""
PAGE = 1_000  # what S3 lists at once

_NO_RANGES = "non-partial response"
"""What obstore says of a store that, asked for a part, does not answer 206: some small ones do not."""


class S3Storage:
    """A prefix in a bucket. It cannot be unmounted: its marker is looked at only when something is missing."""

    def __init__(self, bucket: str, prefix: str, config: S3Settings, received_in: Path) -> None:
        """Take the directory of this machine in which contents are received."""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self.id: str | None = None
        self._incoming = received_in
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=_config(config),
            client_options={"allow_http": config.allow_http, "connect_timeout": CONNECT, "timeout": ANSWER},
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRYING},
        )

    async def marked(self) -> str | None:
        """What the marker says."""
        with self._trouble():
            try:
                marker = await (await obstore.get_async(self._store, storage.MARKER)).bytes_async()
            except FileNotFoundError:
                async for _ in obstore.list(self._store, chunk_size=1):
                    raise storage.occupied(self.url) from None
                return None
        return storage.read_marker(bytes(marker), self.url)

    async def mark(self, storage_id: str) -> None:
        """Write the marker; the bucket must be there."""
        await self.write(storage.MARKER, storage.marker(storage_id), media_type=storage.MARKER_MEDIA_TYPE)

    def receive(self) -> AbstractAsyncContextManager[Incoming]:
        """Into a temporary file on this machine."""
        return incoming.receive(self._incoming, self._prepare)

    async def keep(self, incoming: Incoming, *, media_type: str | None) -> None:
        """Upload the file, unless its object is there already."""
        content = incoming.content if incoming.is_in_memory else await asyncio.to_thread(_flushed, incoming)
        name = storage.object_name(incoming.digest)
        async with self._uploads:
            if await self._has(name, incoming):
                return
            with self._trouble():
                await obstore.put_async(
                    self._store,
                    name,
                    content,
                    attributes={"Content-Type": media_type or "application/octet-stream"},
                    chunk_size=max(PART_BYTES, incoming.size // PARTS_AT_MOST),
                    max_concurrency=PARTS_AT_ONCE,
                )

    async def write(self, name: str, content: bytes, *, media_type: str) -> None:
        """One PUT."""
        with self._trouble():
            attributes = {"Content-Type": media_type}
            await obstore.put_async(self._store, name, content, attributes=attributes, use_multipart=False)

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Chunks of about a mebibyte."""
        if end is not None and end <= start:
            return
        stream, skipped = await self._open(name, start, end)
        chunks, left = aiter(stream), None if end is None else end - start
        while left is None or left > 0:
            with self._trouble():
                try:
                    chunk = bytes(await anext(chunks))
                except StopAsyncIteration:
                    return
            passed, skipped = skipped, max(0, skipped - len(chunk))
            if chunk := chunk[passed:][:left]:
                yield chunk
                left = None if left is None else left - len(chunk)

    async def _open(self, name: str, start: int, end: int | None) -> tuple["obstore.BytesStream", int]:
        """A stream that has these bytes in it, and how many come before them. Raises FileNotFoundError."""
        wanted: GetOptions = {"range": {"offset": start} if end is None else (start, end)} if start or end else {}
        answer, skipped = None, 0
        with self._trouble():
            try:
                answer = await obstore.get_async(self._store, name, options=wanted)
            except FileNotFoundError:
                await self._check()
            except BaseError as error:
                if _NO_RANGES not in str(error):
                    raise
                answer, skipped = await obstore.get_async(self._store, name), start
        if answer is None:
            raise FileNotFoundError(f"{name} is not in {self.url}")
        return answer.stream(min_chunk_size=storage.READ_BYTES), skipped

    async def size(self, name: str) -> int | None:
        """What the store says."""
        with self._trouble():
            try:
                return (await obstore.head_async(self._store, name))["size"]
            except FileNotFoundError:
                await self._check()
                return None

    async def list(self, prefix: str) -> AsyncIterator[Entry]:
        """A page at a time."""
        await self._check()
        pages = aiter(obstore.list(self._store, prefix, chunk_size=PAGE))
        while True:
            with self._trouble():
                try:
                    page = await anext(pages)
                except StopAsyncIteration:
                    return
            for told in page:
                yield Entry(told["path"], told["size"], told["last_modified"])

    async def move(self, name: str, to: str) -> None:
        """Copy it there, then remove it here. What is too large for the store to copy goes by way of us."""
        size = await self.size(name)
        with self._trouble():
            try:
                if size is not None and size <= COPIED_AT_MOST:
                    await obstore.copy_async(self._store, name, to)
                elif size is not None:
                    await self._copy_in_parts(name, to)
            except FileNotFoundError:  # somebody else has moved it meanwhile
                size = None
        if size is None:
            raise FileNotFoundError(f"{name} is not in {self.url}")
        await self.remove(name)

    async def _copy_in_parts(self, name: str, to: str) -> None:
        """Read it and upload it again, a few parts at a time."""
        async with self._uploads:
            whole = await obstore.get_async(self._store, name)
            await obstore.put_async(
                self._store,
                to,
                whole.stream(min_chunk_size=PART_BYTES),
                attributes=whole.attributes,
                chunk_size=max(PART_BYTES, whole.meta["size"] // PARTS_AT_MOST),
                max_concurrency=PARTS_AT_ONCE,
            )

    async def remove(self, name: str) -> None:
        """One DELETE."""
        with self._trouble(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, name)

    def clear_abandoned(self) -> int:
        """What was being received on this machine."""
        return incoming.clear_abandoned(self._incoming)

    async def _has(self, name: str, incoming: Incoming) -> bool:
        """Whether these very bytes lie there."""
        with self._trouble():
            try:
                if (await obstore.head_async(self._store, name))["size"] != incoming.size:
                    return False
            except FileNotFoundError:
                return False
        sha256 = hashlib.sha256()
        try:
            async for chunk in self.read(name):
                await asyncio.to_thread(sha256.update, chunk)
        except FileNotFoundError:  # it has been moved aside meanwhile
            return False
        return sha256.digest() == incoming.digest

    def _prepare(self) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True)

    async def _check(self) -> None:
        """Make sure that what is missing is not the whole bucket."""
        if self.id is None:
            with self._trouble():
                async for _ in obstore.list(self._store, chunk_size=1):
                    return
        elif (found := await self.marked()) != self.id:
            raise storage.exchanged(self.url, self.id, found)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """Turn the store's errors within the block into StorageUnavailable, without what it or its client quotes."""
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise StorageUnavailable(s3_errors.sentence(self.url, str(error))) from None


def _config(config: S3Settings) -> "S3Config":
    """The same in obstore's words, secrets revealed."""
    said: S3Config = {"region": config.region}
    if config.access_key_id and config.secret_access_key:
        said["access_key_id"] = config.access_key_id
        said["secret_access_key"] = config.secret_access_key.reveal()
    if config.session_token:
        said["session_token"] = config.session_token.reveal()
    if config.endpoint:
        said["endpoint"] = config.endpoint
    return said


def _flushed(incoming: Incoming) -> Path:
    with incoming.held() as (path, _):
        return path
