"""Rebuild: from storage alone to a database that knows all of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import database, listings, manifests, rebuilding, segment_files, tombstones
from archive.storage import Entry, Storage

T = TypeVar("T")

FOLDERS = (manifests.FOLDER, segment_files.FOLDER, tombstones.FOLDER)
"""In the order in which they are read: an event finds its workflow there, a tombstone what it has to take away."""

FILES_AT_ONCE = 100
BYTES_AT_ONCE = 8 << 20
READS_AT_ONCE = 8

Fault = tuple[str, str]
"""The name of a file, and what is wrong with it."""


class NotEmpty(Exception):
    """The database knows something already."""


class UnderWay(Exception):
    """Somebody else rebuilds this database at this moment."""


@dataclass
class Rebuilt:
    """How many files were taken in, and which could not be, or not whole."""

    files: int = 0
    faults: list[Fault] = field(default_factory=list)


async def rebuild(
    engine: AsyncEngine, storage: Storage, *, into_filled: bool, advance: Callable[[int], None]
) -> Rebuilt:
    """Take in every file, a batch in a transaction; one that was broken off goes on where it ended.

    `advance` is told of files as they are done. Raises NotEmpty unless it may be `into_filled`, UnderWay, and
    StorageUnavailable.
    """
    rebuilt = Rebuilt()
    async with rebuilding.alone(engine) as are_alone:
        if not are_alone:
            raise UnderWay
        async with engine.connect() as connection:
            if not into_filled and not await rebuilding.is_empty(connection):
                raise NotEmpty
        for folder in FOLDERS:
            async for batch in _batches(storage, folder):
                async with engine.connect() as connection:
                    unread = await rebuilding.unread(connection, [entry.name for entry in batch])
                await _take_in(engine, storage, folder, unread, rebuilt)
                advance(len(batch))
        async with engine.begin() as connection:
            await rebuilding.finish(connection, sparing=_lacks_manifests(rebuilt))
            if rebuilt.files:
                await listings.look_back(connection)
    return rebuilt


async def count(storage: Storage) -> int:
    """How many files there are to be taken in."""
    return sum([1 for folder in FOLDERS async for _ in storage.list(folder)])


async def _batches(storage: Storage, folder: str) -> AsyncIterator[Sequence[Entry]]:
    """The files of a folder, as many together as are read at once."""
    batch: list[Entry] = []
    async for entry in storage.list(folder):
        if batch and (len(batch) == FILES_AT_ONCE or sum(one.size for one in batch) + entry.size > BYTES_AT_ONCE):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


async def _take_in(engine: AsyncEngine, storage: Storage, folder: str, names: Sequence[str], rebuilt: Rebuilt) -> None:
    turns = asyncio.Semaphore(READS_AT_ONCE)

    async def read(name: str) -> bytes:
        async with turns:
            return b"".join([chunk async for chunk in storage.read(name)])

    contents = dict(zip(names, await asyncio.gather(*map(read, names)), strict=True))
    if folder == manifests.FOLDER:
        await _take_in_manifests(engine, contents, rebuilt)
        return
    for name, content in contents.items():
        if folder == segment_files.FOLDER:
            lines = _readable(name, content, segment_files.read, rebuilt)
            await _write(engine, rebuilt, [name], partial(rebuilding.take_in_segment, name=name, lines=lines))
        else:
            rows = _readable(name, content, tombstones.read, rebuilt)
            sparing = _lacks_manifests(rebuilt)
            write = partial(rebuilding.take_in_tombstones, name=name, rows=rows, sparing=sparing)
            await _write(engine, rebuilt, [name], write)


def _lacks_manifests(rebuilt: Rebuilt) -> bool:
    """Whether a manifest is at fault: it may tell of a result that has been stored again since it was pruned."""
    return any(name.startswith(f"{manifests.FOLDER}/") for name, _ in rebuilt.faults)


async def _take_in_manifests(engine: AsyncEngine, contents: Mapping[str, bytes], rebuilt: Rebuilt) -> None:
    readable: dict[str, manifests.Manifest] = {}
    for name, content in contents.items():
        try:
            readable[name] = manifests.read(content)
        except manifests.Unreadable as unreadable:
            rebuilt.faults.append((name, str(unreadable)))
    if readable:
        await _write_manifests(engine, rebuilt, readable)


async def _write_manifests(engine: AsyncEngine, rebuilt: Rebuilt, readable: Mapping[str, manifests.Manifest]) -> None:
    write = partial(rebuilding.take_in_manifests, manifests=readable)
    if len(readable) == 1:
        return await _write(engine, rebuilt, list(readable), write)
    before = len(rebuilt.faults)
    await _write(engine, rebuilt, list(readable), write)
    if len(rebuilt.faults) > before:
        # One of them is at fault, and no reason for the others to be left out.
        del rebuilt.faults[before:]
        for name, manifest in readable.items():
            await _write_manifests(engine, rebuilt, {name: manifest})
    return None


async def _write(
    engine: AsyncEngine,
    rebuilt: Rebuilt,
    names: Sequence[str],
    write: Callable[[AsyncConnection], Awaitable[None]],
) -> None:
    """Write what these files tell, in one transaction; what PostgreSQL refuses is a fault of theirs."""
    try:
        async with engine.begin() as connection:
            await write(connection)
    except exc.DBAPIError as error:
        if database.is_unavailable(error):
            raise
        rebuilt.faults += [(name, f"PostgreSQL refuses what it tells: {error.orig}".splitlines()[0]) for name in names]
    else:
        rebuilt.files += len(names)


def _readable(name: str, content: bytes, read: Callable[[bytes], T], rebuilt: Rebuilt) -> Sequence[T]:
    """The lines that can be read; the others are faults."""
    read_lines: list[T] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            read_lines.append(read(line))
        except ValueError as unreadable:
            rebuilt.faults.append((f"{name}:{number}", str(unreadable)))
    return read_lines
