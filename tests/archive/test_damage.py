"""Damage: what is owed again for it, and what is given back."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, damage, objects, settling, tables
from archive.media.contents import Facts
from tests.archive.factories import pending_results, rows, stored_object, take

PATHS = ("output.a", "output.b")
A_DAY = timedelta(days=1)


async def stored_results(connection: AsyncConnection, *paths: str) -> bytes:
    """Results of a workflow `wf`, archived, which share an object; its digest."""
    digest = await stored_object(connection)
    found = await pending_results(connection, *paths)
    await settling.stored(connection, {result.id: digest for result in found})
    await connection.execute(text("UPDATE workflows SET due_at = NULL, archived_at = now(), deadline_at = now()"))
    return digest


async def seen(connection: AsyncConnection) -> damage.Object:
    before = await damage.moment(connection, ago=-A_DAY)
    (one,) = await damage.longest_ago(connection, before, 10)
    return one


async def test_the_objects_looked_at_longest_ago_come_first_and_those_about_to_go_never(engine: AsyncEngine) -> None:
    digests = {}
    async with engine.begin() as connection:
        for name, stored, verified, deleting in (
            ("old", 9, None, False),
            ("looked at", 10, 2, False),
            ("new", 1, None, False),
            ("going", 20, None, True),
        ):
            digest = await stored_object(connection, name.encode())
            digests[digest] = name
            await connection.execute(
                text(
                    "UPDATE objects SET stored_at = now() - :stored * interval '1 day', "
                    "verified_at = now() - CAST(:verified AS integer) * interval '1 day', "
                    "deleting_at = CASE WHEN :deleting THEN now() END WHERE digest = :digest"
                ),
                {"digest": digest, "stored": stored, "verified": verified, "deleting": deleting},
            )
        now = await damage.moment(connection, ago=A_DAY * 0)
        assert [digests[one.digest] for one in await damage.longest_ago(connection, now, 10)] == [
            "old",
            "looked at",
            "new",
        ]
        assert len(await damage.longest_ago(connection, now, 1)) == 1
        a_day_ago = await damage.moment(connection, ago=A_DAY * 1.5)
        assert [digests[one.digest] for one in await damage.longest_ago(connection, a_day_ago, 10)] == [
            "old",
            "looked at",
        ]
        assert await damage.count(connection) == 3


async def test_a_damaged_object_makes_due_every_result_that_it_held(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_results(connection, *PATHS)
        assert await damage.needed(connection, digest) == 2
        assert await damage.broken(connection, await seen(connection))
        assert await damage.owe_again(connection) == ["wf"]
        assert await damage.owe_again(connection) == []
        assert await damage.needed(connection, digest) == 2
    assert (
        await rows(
            engine, "SELECT stored_at, object_digest, lost_digest, attempts, next_attempt_at <= now() FROM results"
        )
        == [(None, None, digest, 0, True)] * 2
    )
    assert await rows(
        engine,
        "SELECT due_at <= now(), archived_at IS NOT NULL, deadline_at > now() + interval '1 hour' FROM workflows",
    ) == [(True, True, True)]


async def test_what_was_stored_anew_since_it_was_looked_at_is_not_damaged(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_results(connection, *PATHS)
        before = await seen(connection)
        await damage.broken(connection, before)
    async with engine.begin() as connection:
        await objects.add(connection, {digest: Facts(size=7)})
    async with engine.begin() as connection:
        assert not await damage.broken(connection, before)
        assert await damage.owe_again(connection) == []
    assert await rows(engine, "SELECT damaged_at FROM objects") == [(None,)]


async def test_whoever_holds_the_workflow_is_overtaken_by_the_damage(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await stored_results(connection, *PATHS)
        await connection.execute(text("UPDATE workflows SET due_at = now()"))
    async with engine.begin() as connection:
        holder = await take(connection, "wf")
    assert holder is not None
    async with engine.begin() as connection:
        await damage.broken(connection, await seen(connection))
        await damage.owe_again(connection)
    async with engine.begin() as connection:
        assert await claims.hold_each(connection, [holder]) == set()
        assert await take(connection, "wf")


async def test_bytes_that_turn_up_again_give_back_what_was_lost_even_if_it_was_given_up(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_results(connection, *PATHS)
        await damage.broken(connection, await seen(connection))
        await damage.owe_again(connection)
        await connection.execute(text("UPDATE results SET dead_at = now() WHERE path = 'output.a'"))
        assert await damage.give_back(connection) == []
        await damage.whole(connection, [digest])
        assert await damage.give_back(connection) == ["wf"]
        assert await damage.give_back(connection) == []
    assert (
        await rows(engine, "SELECT object_digest, lost_digest, dead_at, stored_at IS NOT NULL FROM results")
        == [(digest, None, None, True)] * 2
    )


async def test_a_result_that_was_fetched_again_with_other_bytes_keeps_those(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_results(connection, "output.a")
        await damage.broken(connection, await seen(connection))
        await damage.owe_again(connection)
        other = await stored_object(connection, b"other bytes")
        await connection.execute(text("UPDATE results SET object_digest = :other, stored_at = now()"), {"other": other})
        await damage.whole(connection, [digest])
        assert await damage.give_back(connection) == []
        assert await damage.needed(connection, digest) == 0
    assert await rows(engine, "SELECT object_digest, lost_digest FROM results") == [(other, digest)]


async def test_digests_without_a_row_are_told_from_those_that_have_one(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_object(connection)
        assert await damage.unknown(connection, [digest, b"0" * 32]) == {b"0" * 32}
        assert await damage.unknown(connection, []) == set()


async def test_digests_on_their_way_out_are_not_unknown(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for digest, removed_at in ((b"1" * 32, None), (b"2" * 32, datetime.now(UTC))):
            row = {"deleted_at": datetime.now(UTC), "rule": "r", "what": "object"}
            await connection.execute(
                insert(tables.tombstones).values(row | {"digest": digest, "removed_at": removed_at})
            )
        assert await damage.unknown(connection, [b"1" * 32, b"2" * 32]) == {b"2" * 32}
