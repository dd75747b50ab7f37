"""Results are found by what is known of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import cursors, search, steps
from archive.search import Filters, Match
from orchestration import documents
from tests.archive.factories import archived_workflow

DAY = datetime(2026, 5, 1, tzinfo=UTC)


async def workflow(
    engine: AsyncEngine, workflow_id: str, *, minutes: int = 0, prompt: str = "", stored: bool = True, **facts: Any
) -> None:
    images = [{"type": "image", "id": f"{workflow_id}-{n}", "available": True, "url": "https://x/"} for n in range(3)]
    document = {
        "id": workflow_id,
        "status": "succeeded",
        "createdAt": (DAY + timedelta(minutes=minutes)).isoformat(),
        "tags": [],
        "metadata": {},
        "steps": [
            {"$type": "textToImage", "name": "s", "input": {"prompt": prompt}, "output": {"images": images}},
        ],
        **facts,
    }
    await archived_workflow(engine, document, stored=stored)
    async with engine.begin() as connection:
        await steps.save(connection, workflow_id, documents.read(document))


async def found(engine: AsyncEngine, **filters: Any) -> list[str | None]:
    async with engine.connect() as connection:
        return [match.blob_id for match in (await search.results(connection, Filters(**filters))).results]


async def test_the_newest_workflow_comes_first_and_its_results_in_their_order(engine: AsyncEngine) -> None:
    await workflow(engine, "old")
    await workflow(engine, "new", minutes=1)
    assert await found(engine) == ["new-0", "new-1", "new-2", "old-0", "old-1", "old-2"]


async def test_a_match_says_what_is_kept(engine: AsyncEngine) -> None:
    await workflow(engine, "wf")
    async with engine.connect() as connection:
        match = (await search.results(connection, Filters())).results[0]
    assert isinstance(match, Match)
    assert (match.workflow_id, match.created_at, match.step, match.path) == ("wf", DAY, "s", "output.images[0]")
    assert (match.step_type, match.kind, match.state, match.media_type) == (
        "textToImage",
        "image",
        "stored",
        "image/png",
    )
    assert (match.size, len(match.sha256 or "")) == (len("wf-0"), 64)


async def test_pages_of_any_size_hold_every_result_once(engine: AsyncEngine) -> None:
    for number in range(3):
        await workflow(engine, f"wf{number}", minutes=number // 2)  # two of one moment
    everything = await found(engine)
    assert len(everything) == 9
    for take in (1, 2, 3, 4, 100):
        pages: list[str | None] = []
        cursor: str | None = None
        while cursor or not pages:
            async with engine.connect() as connection:
                page = await search.results(connection, Filters(), take=take, cursor=cursor)
            assert len(page.results) <= take
            pages += [match.blob_id for match in page.results]
            cursor = page.next
        assert pages == everything


async def test_every_wish_narrows_it(engine: AsyncEngine) -> None:
    await workflow(engine, "cat", prompt="a Grey cat, 100%", tags=["a", "b"])
    await workflow(engine, "dog", minutes=5, prompt="a dog", tags=["a"], stored=False)
    cats, dogs = ["cat-0", "cat-1", "cat-2"], ["dog-0", "dog-1", "dog-2"]
    assert await found(engine, text="grey CAT") == cats
    assert await found(engine, text="100%") == cats
    assert await found(engine, text="1_0") == []
    assert await found(engine, tags=["a"]) == dogs + cats
    assert await found(engine, tags=["a", "b"]) == cats
    assert await found(engine, workflow_id="dog") == dogs
    assert await found(engine, kind="Image") == dogs + cats
    assert await found(engine, kind="video") == []
    assert await found(engine, step_type="texttoimage", state="stored") == cats
    assert await found(engine, state="pending") == dogs
    assert await found(engine, created_from=DAY + timedelta(minutes=1)) == dogs
    assert await found(engine, created_to=DAY) == cats


@pytest.mark.parametrize(
    "cursor", ["x", "archive.x.1", f"{cursors.Cursor(DAY, 'wf')}", f"{cursors.Cursor(DAY, 'w')}.-1"]
)
async def test_a_cursor_that_is_none_of_ours_is_refused(engine: AsyncEngine, cursor: str) -> None:
    with pytest.raises(cursors.BadCursor):
        async with engine.connect() as connection:
            await search.results(connection, Filters(), cursor=cursor)
