"""Plans on tables that are full enough for PostgreSQL to choose: what is due is found without looking at the rest."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, database, due
from embedded.supervisor import Addresses


@pytest.fixture
async def full(history: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = database.create_engine(history.database_url, application_name="tests")
    yield engine
    await engine.dispose()


async def plan_of(connection: AsyncConnection, statement: str, parameters: tuple[object, ...]) -> str:
    lines = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(line for (line,) in lines)


async def plans(engine: AsyncEngine) -> list[str]:
    """The plans of a sweep and of a claim, as they are sent."""
    sent: list[tuple[str, tuple[object, ...]]] = []
    async with engine.connect() as connection:

        def note(
            _connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object
        ) -> None:
            sent.append((statement, parameters))

        event.listen(engine.sync_engine, "before_cursor_execute", note)
        ids = await due.live(connection, 64, unanswered=timedelta(seconds=1))
        assert ids
        await claims.take_each(connection, ids[:1])
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        await connection.rollback()
        return [await plan_of(connection, *one) for one in sent]


async def test_a_sweep_reads_the_index_of_what_is_due_and_a_claim_its_row(full: AsyncEngine) -> None:
    sweep, claim = await plans(full)
    assert "ix_workflows_due" in sweep
    assert "pk_workflows" in claim
    for plan in (sweep, claim):
        assert "Seq Scan on workflows" not in plan
