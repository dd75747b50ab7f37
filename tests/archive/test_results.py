"""Results: added and never removed, freshened until they settle, settled once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import results, settling, shared_blobs
from tests.archive.factories import due_workflow, found, pending_results, rows, stored_elsewhere, stored_object

LATER = datetime(2100, 1, 1, tzinfo=UTC)
SETTLED = "stored_at IS NOT NULL, withheld_at IS NOT NULL, gone_at IS NOT NULL, dead_at IS NOT NULL"
STORED, WITHHELD, DEAD, OPEN = (
    (True, False, False, False),
    (False, True, False, False),
    (False, False, False, True),
    (False, False, False, False),
)


async def test_a_result_is_kept_with_what_the_document_says_of_it(engine: AsyncEngine) -> None:
    await due_workflow(engine)
    facts: dict[str, Any] = {
        "blob_id": "b",
        "kind": "video",
        "width": 640,
        "height": 480,
        "duration": 2.5,
        "nsfw_level": "pg",
        "url_expires_at": LATER,
    }
    async with engine.begin() as connection:
        await results.add(connection, "wf", [found("output.video", **facts)])
        (pending,) = await results.pending(connection, "wf")
    assert (pending.step, pending.path, pending.url) == ("step", "output.video", "https://blobs.example/output.video")
    assert (pending.blob_id, pending.kind, pending.url_expires_at) == ("b", "video", LATER)
    assert (pending.attempts, pending.is_due) == (0, True)
    assert await rows(engine, "SELECT role, width, height, duration, nsfw_level FROM results") == [
        ("result", 640, 480, 2.5, "pg")
    ]


async def test_a_document_that_names_less_removes_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await pending_results(connection, "output.a", "output.b")
        await results.add(connection, "wf", [found("output.c")])
        await results.add(connection, "wf", [])
        assert [one.path for one in await results.pending(connection, "wf")] == ["output.a", "output.b", "output.c"]


async def test_what_is_not_settled_is_freshened_and_loses_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await pending_results(connection)
        await results.add(connection, "wf", [found("output.a", blob_id="b", kind="image", url_expires_at=LATER)])
        await results.add(connection, "wf", [found("output.a", url=None, available=None)])
        (kept,) = await results.pending(connection, "wf")
        assert (kept.blob_id, kept.kind, kept.url, kept.url_expires_at) == (
            "b",
            "image",
            "https://blobs.example/output.a",
            LATER,
        )
        await results.add(connection, "wf", [found("output.a", url="https://new")])
        (fresh,) = await results.pending(connection, "wf")
        assert (fresh.id, fresh.url, fresh.url_expires_at) == (kept.id, "https://new", None)


async def test_a_content_that_appears_is_due_at_once_and_one_that_was_there_waits_for_its_turn(
    engine: AsyncEngine,
) -> None:
    async with engine.begin() as connection:
        await pending_results(connection)
        await results.add(connection, "wf", [found("output.a"), found("output.b", url=None, available=None)])
        for one in await results.pending(connection, "wf"):
            await settling.put_off(connection, one.id, error="not yet", next_attempt_at=LATER)
        await results.add(connection, "wf", [found("output.a", url="https://other"), found("output.b")])
        assert [one.is_due for one in await results.pending(connection, "wf")] == [False, True]


async def test_content_that_is_kept_back_with_a_reason_is_withheld_and_without_one_awaited(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await pending_results(connection)
        told = [
            found("output.a", available=False, blocked_reason="minor"),
            found("output.b", available=None, blocked_reason="minor"),
            found("output.c", available=True, blocked_reason="only said"),
            found("output.d", available=False),
        ]
        await results.add(connection, "wf", told)
        assert await rows(connection, f"SELECT {SETTLED} FROM results ORDER BY id") == [  # noqa: S608 - a constant
            WITHHELD,
            WITHHELD,
            OPEN,
            OPEN,
        ]
        await results.add(connection, "wf", [found("output.d", available=False, blocked_reason="minor")])
        assert [one.path for one in await results.pending(connection, "wf")] == ["output.c"]


async def test_what_is_settled_is_not_freshened_and_not_settled_again(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        stored, withheld, dead = await pending_results(connection, "output.a", "output.b", "output.c")
        digest = await stored_object(connection)
        await settling.stored(connection, {stored.id: digest})
        await settling.withheld(connection, withheld.id, "min\x00r")
        await settling.dead(connection, dead.id, "n\x00")
        before = await rows(connection, "SELECT * FROM results ORDER BY id")
        for one in (stored, withheld, dead):
            await settling.stored(connection, {one.id: digest})
            await settling.withheld(connection, one.id, "other")
            await settling.dead(connection, one.id, "other")
            await settling.put_off(connection, one.id, error="other", next_attempt_at=LATER)
            await results.add(connection, "wf", [found(one.path, url="https://other", blob_id="other")])
        assert await rows(connection, "SELECT * FROM results ORDER BY id") == before
        assert await rows(connection, f"SELECT {SETTLED} FROM results ORDER BY id") == [  # noqa: S608 - a constant
            STORED,
            WITHHELD,
            DEAD,
        ]
        assert await results.pending(connection, "wf") == []


async def test_a_try_that_failed_is_counted_and_puts_the_next_one_off(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        (one,) = await pending_results(connection, "output.a")
        for attempts in (1, 2):
            await settling.put_off(connection, one.id, error="b\x00d", next_attempt_at=LATER)
            (put_off,) = await results.pending(connection, "wf")
            assert (put_off.attempts, put_off.next_attempt_at, put_off.is_due) == (attempts, LATER, False)
        assert await rows(connection, "SELECT last_error FROM results") == [("b\ufffdd",)]


async def test_a_manifest_is_told_of_every_result_in_the_order_they_were_found(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        _, second, third = await pending_results(connection, "output.z", "output.a", "output.m")
        digest = await stored_object(connection)
        await settling.stored(connection, {second.id: digest})
        await settling.withheld(connection, third.id, "minor")
        kept = await results.kept(connection, "wf")
    assert [(one.path, one.digest, one.size, one.media_type, one.blocked_reason) for one in kept] == [
        ("output.z", None, None, None, None),
        ("output.a", digest.hex(), 7, "image/png", None),
        ("output.m", None, None, None, "minor"),
    ]
    assert [one.stored_at is not None for one in kept] == [False, True, False]


PATHS = st.sampled_from(["output.a", "output.b"])
STEPS = st.one_of(
    st.tuples(
        st.just("add"),
        st.lists(
            st.builds(
                found,
                PATHS,
                url=st.sampled_from([None, "https://x"]),
                available=st.sampled_from([True, False, None]),
                blocked_reason=st.sampled_from([None, "minor"]),
                blob_id=st.sampled_from([None, "shared", "own"]),
            ),
            max_size=3,
        ),
    ),
    st.tuples(st.sampled_from(["stored", "withheld", "dead", "put_off"]), PATHS),
    st.tuples(st.just("elsewhere"), st.none()),
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(STEPS, max_size=10))
async def test_whatever_happens_a_result_settles_once_and_no_constraint_is_hurt(
    engine: AsyncEngine, history: list[tuple[str, Any]]
) -> None:
    async with engine.connect() as connection:  # rolled back at the end
        await stored_elsewhere(connection, "shared", b"shared")
        await pending_results(connection)
        digest = await stored_object(connection)
        settled: dict[str, tuple[bool, ...]] = {}
        for verb, what in history:
            ids = {one.path: one.id for one in await results.pending(connection, "wf")}
            match verb:
                case "add":
                    await results.add(connection, "wf", what)
                case "elsewhere":
                    await shared_blobs.point_to_stored(connection, ["wf"])
                case "stored":
                    await settling.stored(connection, {ids.get(what, -1): digest})
                case "withheld":
                    await settling.withheld(connection, ids.get(what, -1), "minor")
                case "dead":
                    await settling.dead(connection, ids.get(what, -1), "no")
                case _:
                    soon = datetime.now(UTC) + timedelta(minutes=1)
                    await settling.put_off(connection, ids.get(what, -1), error="no", next_attempt_at=soon)
            now = {
                path: tuple(flags)
                for path, *flags in await rows(
                    connection,
                    f"SELECT path, {SETTLED} FROM results WHERE workflow_id = 'wf'",  # noqa: S608 - a constant
                )
            }
            assert settled.keys() <= now.keys()
            for path, flags in settled.items():
                assert flags in (OPEN, now[path])
            settled = now
