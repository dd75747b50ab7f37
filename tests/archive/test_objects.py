"""Objects: one row a content, and a damaged one is whole again once its bytes are."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import objects
from archive.media.contents import Facts
from tests.archive.factories import rows, stored_object


async def test_an_object_says_how_large_it_is_and_of_what_type(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_object(connection, b"content")
    assert await rows(
        engine, "SELECT digest, size, media_type, stored_at IS NOT NULL, verified_at, damaged_at FROM objects"
    ) == [(digest, 7, "image/png", True, None, None)]


async def test_the_same_content_again_leaves_the_row_as_it_is(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_object(connection)
    before = await rows(engine, "SELECT * FROM objects")
    async with engine.begin() as connection:
        await objects.add(connection, {digest: Facts(size=7, media_type="text/plain")})
    assert await rows(engine, "SELECT * FROM objects") == before


async def test_bytes_that_are_stored_anew_end_damage_and_deletion(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await stored_object(connection)
    for mark in ("damaged_at", "deleting_at"):
        async with engine.begin() as connection:
            await connection.execute(text(f"UPDATE objects SET {mark} = now()"))  # noqa: S608 - two names
        before = await rows(engine, "SELECT stored_at FROM objects")
        async with engine.begin() as connection:
            await stored_object(connection)
        assert await rows(engine, "SELECT damaged_at, deleting_at FROM objects") == [(None, None)]
        assert await rows(engine, "SELECT stored_at FROM objects") > before


async def test_a_media_type_that_postgresql_cannot_hold_does_not_matter(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await objects.add(connection, {b"0" * 32: Facts(size=0, media_type="image/\x00png")})
        await objects.add(connection, {b"1" * 32: Facts(size=0, media_type=None)})
    assert await rows(engine, "SELECT media_type FROM objects ORDER BY digest") == [("image/\ufffdpng",), (None,)]
