"""Objects: stored contents, addressed by the SHA-256 of their bytes."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables
from orchestration import wire


async def add(
    connection: AsyncConnection,
    digest: bytes,
    *,
    size: int,
    media_type: str | None,
    width: int | None = None,
    height: int | None = None,
    duration: float | None = None,
) -> None:
    """Say that the bytes of this SHA-256 are durable in storage. The caller has seen to it that they are."""
    row = insert(tables.objects).values(
        digest=digest,
        size=size,
        media_type=wire.text(media_type),
        width=width,
        height=height,
        duration=duration,
        stored_at=func.now(),
    )
    stored_anew = {"stored_at": row.excluded.stored_at, "damaged_at": None, "deleting_at": None}
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["digest"],
            set_=stored_anew,
            where=func.num_nonnulls(tables.objects.c.damaged_at, tables.objects.c.deleting_at) > 0,
        )
    )
