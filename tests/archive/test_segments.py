"""Segments: every row in exactly one, however late its transaction ends."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import events, quarantine, segments
from tests.archive.factories import delivery, rows, step_event, told

NOW = timedelta(0)
LATER = timedelta(hours=1)


async def choose(engine: AsyncEngine, *, waited: timedelta = NOW, enough: int = 1) -> segments.Segment | None:
    async with engine.begin() as connection:
        seen = await segments.horizon(connection, "events")
    async with engine.begin() as connection:
        assert await segments.is_settled(connection, "events", seen)
        return await segments.choose(connection, "events", seen, waited=waited, enough=enough)


async def tell(engine: AsyncEngine, *names: str) -> None:
    await told(engine, *(step_event("wf", "processing", name) for name in names))


async def steps_of(engine: AsyncEngine, segment: segments.Segment | None) -> list[str]:
    assert segment is not None
    async with engine.connect() as connection:
        ids = await segments.rows(connection, segment)
    return sorted(row["body"].decode().partition('"name": "')[2].partition('"')[0] for row in ids)


async def test_segments_follow_one_another_without_a_gap(engine: AsyncEngine) -> None:
    assert await choose(engine) is None
    await tell(engine, "a", "b")
    first = await choose(engine)
    await tell(engine, "c")
    await tell(engine, "a")  # delivered once more
    second = await choose(engine)
    assert (await steps_of(engine, first), await steps_of(engine, second)) == (["a", "b"], ["c"])
    assert first is not None
    assert second is not None
    assert first.up_to_id == second.after_id
    assert await choose(engine) is None


async def test_a_segment_begins_when_its_first_row_has_waited_or_there_are_enough(engine: AsyncEngine) -> None:
    await tell(engine, "a", "b")
    assert await choose(engine, waited=LATER, enough=3) is None
    assert await steps_of(engine, await choose(engine, waited=LATER, enough=2)) == ["a", "b"]
    await tell(engine, "c")
    assert await steps_of(engine, await choose(engine, waited=NOW, enough=100)) == ["c"]


async def test_an_event_whose_transaction_ends_late_is_waited_for(engine: AsyncEngine) -> None:
    async with engine.connect() as late:
        await events.record(late, [delivery(step_event("wf-late", "processing", "late"))])
        await tell(engine, "early")  # which has the greater id
        async with engine.connect() as connection:
            seen = await segments.horizon(connection, "events")
            assert not await segments.is_settled(connection, "events", seen)
        await tell(engine, "after the look")
        await late.commit()
    async with engine.begin() as connection:
        assert await segments.is_settled(connection, "events", seen)
        chosen = await segments.choose(connection, "events", seen, waited=NOW, enough=1)
    assert await steps_of(engine, chosen) == ["early", "late"]
    assert await steps_of(engine, await choose(engine)) == ["after the look"]


async def test_an_id_that_was_given_out_and_rolled_back_holds_up_nobody(engine: AsyncEngine) -> None:
    async with engine.connect() as broken_off:
        await events.record(broken_off, [delivery(step_event("wf", "processing", "never"))])
        await broken_off.rollback()
    await tell(engine, "a")
    assert await steps_of(engine, await choose(engine)) == ["a"]


async def test_of_two_who_begin_a_segment_at_once_one_does(engine: AsyncEngine) -> None:
    await tell(engine, "a")
    async with engine.connect() as first, engine.connect() as second:
        seen = await segments.horizon(first, "events")
        chosen = await segments.choose(first, "events", seen, waited=NOW, enough=1)
        await first.commit()
        assert await steps_of(engine, chosen) == ["a"]
        assert await segments.choose(second, "events", seen, waited=NOW, enough=1) is None
    async with engine.begin() as connection:
        assert await segments.unwritten(connection) == [chosen]
        assert chosen is not None
        await segments.wrote(connection, chosen)
        assert await segments.unwritten(connection) == []


async def test_what_a_rebuild_has_read_is_passed_over(engine: AsyncEngine) -> None:
    await tell(engine, "a", "b")
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE events SET segment = 'events/x.jsonl' WHERE step_name = 'a'")
    assert await steps_of(engine, await choose(engine)) == ["b"]


async def test_a_segment_is_bounded_in_bytes_and_one_event_is_never_too_large(
    engine: AsyncEngine,
) -> None:
    for name in "ab":
        await told(engine, step_event("wf", "processing", name) | {"padding": "x" * segments.BYTES_AT_MOST})
    assert await steps_of(engine, await choose(engine)) == ["a"]
    assert await steps_of(engine, await choose(engine)) == ["b"]


async def test_what_is_in_quarantine_has_segments_of_its_own(engine: AsyncEngine) -> None:
    await tell(engine, "a")
    async with engine.begin() as connection:
        await quarantine.add(connection, [quarantine.Unread("no event", "first", {}, b"\xff")])
    async with engine.begin() as connection:
        seen = await segments.horizon(connection, "quarantine")
        chosen = await segments.choose(connection, "quarantine", seen, waited=NOW, enough=1)
        assert chosen is not None
        (row,) = await segments.rows(connection, chosen)
    assert (row["body"], row["reason"]) == (b"\xff", "no event")
    assert await rows(engine, "SELECT told, after_id, up_to_id FROM segments") == [("quarantine", 0, 1)]
