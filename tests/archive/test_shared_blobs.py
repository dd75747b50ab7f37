"""The same blob in several workflows: stored once, and pointed to from each."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import results, shared_blobs
from tests.archive.factories import found, pending_results, rows, stored_elsewhere


async def test_a_blob_that_is_stored_already_is_pointed_to(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        digest = await stored_elsewhere(connection, "shared", b"shared")
        await pending_results(connection)
        await results.add(
            connection,
            "wf",
            [found("output.a", blob_id="shared"), found("output.b", blob_id="own"), found("output.c")],
        )
        await shared_blobs.point_to_stored(connection, ["wf"])
        assert [one.path for one in await results.pending(connection, "wf")] == ["output.b", "output.c"]
        assert await rows(connection, "SELECT object_digest FROM results WHERE path = 'output.a'") == [
            (digest,),
            (digest,),
        ]


async def test_a_damaged_object_or_one_that_is_being_deleted_is_not_pointed_to(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await stored_elsewhere(connection, "shared", b"shared")
        await pending_results(connection)
        await results.add(connection, "wf", [found("output.a", blob_id="shared")])
        for mark in ("damaged_at", "deleting_at"):
            await connection.execute(text(f"UPDATE objects SET {mark} = now()"))  # noqa: S608 - two names
            await shared_blobs.point_to_stored(connection, ["wf"])
            assert len(await results.pending(connection, "wf")) == 1
            await connection.execute(text(f"UPDATE objects SET {mark} = NULL"))  # noqa: S608 - two names
        await shared_blobs.point_to_stored(connection, ["wf"])
        assert await results.pending(connection, "wf") == []


async def test_only_the_workflow_s_own_results_are_pointed_elsewhere(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await stored_elsewhere(connection, "shared", b"shared")
        await pending_results(connection)
        await results.add(connection, "wf", [found("output.a", blob_id="shared")])
        await shared_blobs.point_to_stored(connection, ["other"])
        assert len(await results.pending(connection, "wf")) == 1
