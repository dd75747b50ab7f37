"""What is held, page by page, as names and copies want it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import holdings, results, settling
from archive.holdings import Total, Wanted
from tests.archive.factories import found, stored_object, told, workflow_event

START = datetime(2026, 1, 1, tzinfo=UTC)


async def held(engine: AsyncEngine, number: int, *tags: str, stored: bool = True) -> str:
    """A workflow created on that day of January, with a stored result and one that is not."""
    workflow_id = f"w{number:03}"
    await told(engine, workflow_event(workflow_id, "succeeded"))
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE workflows SET document = '{}', tags = :tags, created_at = :at WHERE id = :id"),
            {"id": workflow_id, "tags": list(tags), "at": START + timedelta(days=number - 1)},
        )
        await results.add(connection, workflow_id, [found("output.images[0]"), found("output.images[1]")])
        if stored:
            first, _ = await results.pending(connection, workflow_id)
            await settling.stored(connection, {first.id: await stored_object(connection, workflow_id.encode())})
    return workflow_id


async def ids(engine: AsyncEngine, wanted: Wanted) -> list[str]:
    return [holding.workflow_id async for holding in holdings.each(engine, wanted)]


async def test_a_holding_has_all_results_stored_or_not(engine: AsyncEngine) -> None:
    await held(engine, 1)
    (holding,) = [each async for each in holdings.each(engine, Wanted())]
    assert [result.size for result in holding.results] == [4, None]
    async with engine.connect() as connection:
        assert await holdings.these(connection, ["w001", "never heard of"]) == [holding]
        assert await holdings.total(connection, Wanted()) == Total(1, 4)


async def test_pages_follow_one_another_in_the_order_of_creation(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "PAGE", 2)
    expected = [await held(engine, number, stored=False) for number in (1, 2, 3, 4)]
    async with engine.begin() as connection:  # two of the same moment, at the end of a page
        at_once = text("UPDATE workflows SET created_at = :at WHERE id IN ('w002', 'w003')")
        await connection.execute(at_once, {"at": START + timedelta(days=1)})
    assert await ids(engine, Wanted()) == expected


async def test_every_wish_narrows_it(engine: AsyncEngine) -> None:
    for number, tags in ((1, ["a"]), (2, ["a", "b"]), (3, ["b"])):
        await held(engine, number, *tags)
    assert await ids(engine, Wanted(tags=("a",))) == ["w001", "w002"]
    assert await ids(engine, Wanted(tags=("a", "b"))) == ["w002"]
    second = START + timedelta(days=1)
    assert await ids(engine, Wanted(since=second)) == ["w002", "w003"]
    assert await ids(engine, Wanted(until=second)) == ["w001", "w002"]
    assert await ids(engine, Wanted(tags=("b",), since=START, until=second)) == ["w002"]
    async with engine.connect() as connection:
        assert (await holdings.total(connection, Wanted(tags=("b",)))).results == 2


async def test_what_was_stored_or_pruned_lately_is_found(engine: AsyncEngine) -> None:
    for number in (1, 2, 3):
        await held(engine, number)
    lately = datetime.now(UTC) - timedelta(minutes=1)
    long_ago = "UPDATE results SET stored_at = stored_at - interval '1 h' WHERE workflow_id <> 'w001'"
    pruned = (
        "UPDATE results SET pruned_at = now(), object_digest = NULL WHERE stored_at < now() AND workflow_id = 'w002'"
    )
    async with engine.begin() as connection:
        for statement in (long_ago, f"{pruned} AND workflow_id = 'w002'"):
            await connection.execute(text(statement))
    assert await ids(engine, Wanted(touched_since=lately)) == ["w001", "w002"]


async def test_a_workflow_without_a_document_is_not_held(engine: AsyncEngine) -> None:
    await told(engine, workflow_event("w", "processing"))
    assert await ids(engine, Wanted()) == []
