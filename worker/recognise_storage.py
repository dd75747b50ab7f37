"""Make sure that storage is ours before anything is written to it."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import marker
from archive import storage as storages
from archive.storage import Storage


async def recognise(engine: AsyncEngine, storage: Storage) -> None:
    """Give the storage its id, and a marker if it is new. Raises StorageUnavailable if it is not the one we know.

    The database remembers the id, the storage carries it in its marker:

    - Neither has one: a fresh installation. The id is chosen in the database first, so that workers who start at
      once choose the same; then the marker is written; then the database notes that it was seen.
    - The storage alone has one: a new database beside an old storage. It is taken on.
    - Both have the same: all is well.
    - The database has seen one, or knows objects, and the storage has none: its volume is not mounted.
    - They differ: it is another archive's.
    """
    found = await storage.marked()
    async with engine.begin() as connection:
        known = await marker.know(connection, found)
    # Looked at again, since who chose the id before us may have written it meanwhile.
    found = await storage.marked()
    if found is None and not known.is_used:
        await storage.mark(known.id)
        found = known.id
    if found != known.id:
        raise storages.exchanged(storage.url, known.id, found)
    async with engine.begin() as connection:
        await marker.see(connection, storage.url)
    storage.id = known.id
