"""The position of a spool file: what the replaying transaction committed, and nothing else."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import spools


async def test_a_position_is_kept_moved_and_forgotten(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert await spools.position(connection, "one.spool") == 0
        await spools.advance(connection, "one.spool", 7)
        await spools.advance(connection, "one.spool", 9)
        assert await spools.position(connection, "one.spool") == 9
        assert await spools.position(connection, "other.spool") == 0
        await spools.forget(connection, "one.spool")
        assert await spools.position(connection, "one.spool") == 0


async def test_a_position_of_a_transaction_that_failed_has_not_moved(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await spools.advance(connection, "one.spool", 7)
        await connection.rollback()
        assert await spools.position(connection, "one.spool") == 0
