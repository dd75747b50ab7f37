"""What passes through the gateway obliges us."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, submissions
from tests.archive.factories import archived_workflow, claimed_workflow, rows, take

DOCUMENT = {"id": "wf", "status": "succeeded", "steps": []}


async def test_what_was_submitted_is_due_and_what_was_heard_of_stays_as_it_is(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine, "known")
    async with engine.begin() as connection:
        await submissions.hear(connection, "new")
        await submissions.hear(connection, "known")
        await claims.hold(connection, claim)  # which raises when it has been overtaken
    query = "SELECT id, origin, due_at <= now(), deadline_at > now() + interval '29 days' FROM workflows ORDER BY id"
    assert await rows(engine, query) == [("known", "callback", True, True), ("new", "submit", True, True)]


async def test_what_was_changed_is_due_again_and_its_holder_writes_nothing_more(engine: AsyncEngine) -> None:
    await archived_workflow(engine, DOCUMENT)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE workflows SET due_at = now()"))
        claim = await take(connection, "wf")
        assert claim is not None
    async with engine.begin() as connection:
        await submissions.note_change(connection, "wf")
        assert await take(connection, "wf") is not None
        assert await claims.hold_each(connection, [claim]) == set()


async def test_what_is_not_archived_yet_is_left_to_its_holder(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    async with engine.begin() as connection:
        await submissions.note_change(connection, "wf")
        await submissions.note_change(connection, "never heard of")
        await claims.hold(connection, claim)
