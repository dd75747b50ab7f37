"""The catalogue: what is kept, as Civitai gave it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import catalogue, cursors
from archive.catalogue import Content, Filters
from orchestration.rendering import Link
from tests.archive.factories import archived_workflow, claimed_workflow

DAY = datetime(2026, 5, 1, tzinfo=UTC)
THEIRS = "https://blobs.example/x.png?sig=1"


def document(workflow_id: str = "wf", *blobs: str, minutes: int = 0, **facts: Any) -> dict[str, Any]:
    images = [{"type": "image", "id": blob, "available": True, "url": THEIRS, "nsfwLevel": "pg"} for blob in blobs]
    return {
        "id": workflow_id,
        "status": "succeeded",
        "createdAt": (DAY + timedelta(minutes=minutes)).isoformat(),
        "tags": [],
        "metadata": {},
        "steps": [{"$type": "textToImage", "name": "s", "output": {"images": images}}],
        **facts,
    }


def link(content: Content) -> Link:
    return Link(f"https://ours.example/{content.name}", "2031-01-01T00:00:00Z")


async def ids(engine: AsyncEngine, *, take: int = 100, cursor: str | None = None, **filters: Any) -> list[str]:
    async with engine.connect() as connection:
        page = await catalogue.query(connection, Filters(**filters), take=take, cursor=cursor)
        return [item.id for item in page.items]


async def kept(engine: AsyncEngine, workflow_id: str = "wf") -> catalogue.Kept | None:
    async with engine.connect() as connection:
        return await catalogue.workflow(connection, workflow_id)


async def test_a_document_comes_back_as_it_was_but_for_its_addresses(engine: AsyncEngine) -> None:
    strange = {
        "integer": 10**40,
        "number": 1.5,
        "small": 1e-9,
        "whole": 2.0,
        "text": 'ü "quoted" \\ \u2028',
        "nothing": None,
        "": {},
    }
    given = document("wf", "a.png", "b.png", metadata=strange, arguments={}, callbacks=[])
    await archived_workflow(engine, given)
    found = await kept(engine)
    assert found is not None
    assert found.is_current
    assert found.document == given
    images = found.render(link)["steps"][0]["output"]["images"]
    assert [image["url"] for image in images] == ["https://ours.example/a.png", "https://ours.example/b.png"]
    assert repr(found.render(link)["metadata"]["whole"]) == "2.0"
    again = found.render(lambda _: Link(THEIRS, None))
    assert again == given


async def test_what_postgresql_cannot_hold_is_replaced_and_nothing_else(engine: AsyncEngine) -> None:
    await archived_workflow(engine, document(metadata={"a": "\0", "b": "\ud800", "c": "\\u0000"}))
    found = await kept(engine)
    assert found is not None
    assert found.document["metadata"] == {"a": "\ufffd", "b": "\ufffd", "c": "\\u0000"}


async def test_what_is_not_stored_keeps_civitais_address(engine: AsyncEngine) -> None:
    given = document("wf", "a.png")
    await archived_workflow(engine, given, stored=False)
    found = await kept(engine)
    assert found is not None
    assert not found.is_current
    assert found.render(link) == given


@pytest.mark.parametrize("fault", ["damaged_at", "deleting_at"])
async def test_content_that_is_damaged_or_about_to_go_is_not_promised(engine: AsyncEngine, fault: str) -> None:
    given = document("wf", "a.png")
    await archived_workflow(engine, given)
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE objects SET {fault} = now()"))  # noqa: S608 - one of two words
        assert await catalogue.content(connection, "a.png") is None
    found = await kept(engine)
    assert found is not None
    assert found.render(link) == given


async def test_a_workflow_that_is_due_again_is_not_current(engine: AsyncEngine) -> None:
    await archived_workflow(engine, document())
    for due_at, is_current in (("now() + interval '1 h'", True), ("now()", False), ("NULL", True)):
        async with engine.begin() as connection:
            await connection.execute(text(f"UPDATE workflows SET due_at = {due_at}"))  # noqa: S608 - ours
        found = await kept(engine)
        assert found is not None
        assert found.is_current is is_current


async def test_what_was_only_heard_of_is_not_in_the_catalogue(engine: AsyncEngine) -> None:
    await claimed_workflow(engine)
    assert await kept(engine) is None
    assert await kept(engine, "never heard of") is None
    assert await ids(engine) == []


async def test_a_listing_goes_from_the_newest_to_the_oldest_or_back(engine: AsyncEngine) -> None:
    for number in (2, 0, 1):
        await archived_workflow(engine, document(f"wf-{number}", minutes=number))
    assert await ids(engine) == ["wf-2", "wf-1", "wf-0"]
    assert await ids(engine, ascending=True) == ["wf-0", "wf-1", "wf-2"]


@pytest.mark.parametrize("ascending", [False, True])
async def test_pages_follow_one_another_though_workflows_are_added(engine: AsyncEngine, ascending: bool) -> None:
    for number in range(7):
        await archived_workflow(engine, document(f"wf-{number}", minutes=number // 3))
    seen: list[str] = []
    cursor = None
    while True:
        async with engine.connect() as connection:
            page = await catalogue.query(connection, Filters(ascending=ascending), take=2, cursor=cursor)
        seen += [item.id for item in page.items]
        if page.next is None:
            break
        cursor = str(page.next)
        await archived_workflow(engine, document(f"new-{len(seen)}", minutes=-1 if ascending else 9))
    assert seen == sorted(seen, reverse=not ascending)
    assert len(seen) == 7


async def test_a_listing_is_narrowed_by_every_filter(engine: AsyncEngine) -> None:
    await archived_workflow(engine, document("a", tags=["x", "y"], metadata={"Prompt": "A Cat_"}, minutes=1))
    await archived_workflow(engine, document("b", tags=["x"], status="failed", minutes=2))
    await archived_workflow(engine, document("c", status="canceled", metadata={"prompt": "a cat%"}, minutes=3))
    moment = DAY + timedelta(minutes=2)
    for filters, expected in (
        ({"tags": ["x"]}, "ba"),
        ({"tags": ["x", "y"]}, "a"),
        ({"tags": ["z"]}, ""),
        ({"tags": []}, "cba"),
        ({"query": "cat"}, "ca"),
        ({"query": "cat%"}, "c"),
        ({"query": "CAT_"}, "a"),
        ({"query": "' OR true --"}, ""),
        ({"exclude_failed": True}, "a"),
        ({"status": "FAILED"}, "b"),
        ({"status": "processing"}, ""),
        ({"created_from": moment}, "cb"),
        ({"created_to": moment}, "ba"),
        ({"created_from": moment, "created_to": moment, "tags": ["x"]}, "b"),
    ):
        assert "".join(await ids(engine, **filters)) == expected, filters


async def test_a_page_has_at_least_one_workflow_and_at_most_a_hundred(engine: AsyncEngine) -> None:
    for number in range(3):
        await archived_workflow(engine, document(f"wf-{number}"))
    assert len(await ids(engine, take=-5)) == 1
    assert len(await ids(engine, take=10**9)) == 3


async def test_a_strange_cursor_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(cursors.BadCursor):
        await ids(engine, cursor="wf-1")


async def test_content_is_found_by_blob_or_by_digest_and_within_a_workflow(engine: AsyncEngine) -> None:
    training = {"epochs": [{"blobUrl": THEIRS, "blobName": "m"}]}
    await archived_workflow(engine, document("wf-1", "a.png"))
    await archived_workflow(engine, document("wf-2", steps=[{"name": "t", "output": training}]))
    found = await kept(engine, "wf-2")
    assert found is not None
    (bare,) = found.contents.values()
    async with engine.connect() as connection:
        picture = await catalogue.content(connection, "a.png")
        assert picture is not None
        assert (picture.name, picture.size, picture.media_type, picture.nsfw_level) == ("a.png", 5, "image/png", "pg")
        assert await catalogue.content(connection, "a.png", workflow_id="wf-1") == picture
        assert await catalogue.content(connection, "a.png", workflow_id="wf-2") is None
        assert bare.blob_id is None
        assert await catalogue.content(connection, bare.name) == bare
        for name in ("b.png", "sha256-", f"sha256-{'0' * 64}", f"sha256-{'g' * 64}", "", "../a.png"):
            assert await catalogue.content(connection, name) is None


async def test_a_blob_leads_to_the_workflow_that_it_was_kept_for(engine: AsyncEngine) -> None:
    await archived_workflow(engine, document("wf-1", "a.png"))
    await archived_workflow(engine, document("wf-2", "a.png"))
    async with engine.connect() as connection:
        found = await catalogue.workflow_of_blob(connection, "a.png")
        assert found is not None
        assert found.id == "wf-1"
        assert await catalogue.workflow_of_blob(connection, "b.png") is None


async def test_a_job_is_found_by_its_own_id(engine: AsyncEngine) -> None:
    await archived_workflow(engine, document())
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO jobs (workflow_id, id, document, document_at) VALUES "
                """('wf', 'known', '{"jobId": "known"}', now()), ('wf', 'unread', NULL, NULL)"""
            )
        )
        assert await catalogue.job(connection, "known") == {"jobId": "known"}
        assert await catalogue.job(connection, "unread") is None
        assert await catalogue.job(connection, "other") is None


async def test_several_are_read_at_once_in_the_order_asked_for(engine: AsyncEngine) -> None:
    for workflow_id in ("a", "b"):
        await archived_workflow(engine, document(workflow_id))
    async with engine.connect() as connection:
        found = await catalogue.workflows(connection, ["b", "nobody", "a", "b"])
    assert [one and one.id for one in found] == ["b", None, "a", "b"]
