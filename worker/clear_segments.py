"""Taking from segments in storage what has been deleted of what was told."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import removals, segment_files
from archive.storage import Storage


async def clear(engine: AsyncEngine, store: Storage) -> None:
    """Write anew each segment from which something was deleted, without it. Raises StorageUnavailable.

    Whoever has written looks again at what was deleted: of several who write the same file, the last one has seen all.
    """
    while True:
        async with engine.connect() as connection:
            name = await removals.next_segment(connection)
            deleted = set() if name is None else await removals.told_in(connection, name)
        if name is None:
            return
        await _write_without(store, name, deleted)
        async with engine.begin() as connection:
            if await removals.told_in(connection, name) == deleted:
                await removals.left_segment(connection, name, deleted)


async def _write_without(store: Storage, name: str, deleted: set[bytes]) -> None:
    try:
        content = b"".join([chunk async for chunk in store.read(name)])
    except FileNotFoundError:
        return
    kept = [line for line in content.splitlines(keepends=True) if not _is_among(line, deleted)]
    if kept:
        await store.write(name, b"".join(kept), media_type=segment_files.MEDIA_TYPE)
    else:
        await store.remove(name)


def _is_among(line: bytes, deleted: set[bytes]) -> bool:
    try:
        return segment_files.read(line).digest in deleted
    except segment_files.Unreadable:
        return False
