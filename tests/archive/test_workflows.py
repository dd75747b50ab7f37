"""Workflows: what is kept of each as a whole."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import claims, workflows
from tests.archive.factories import claimed_workflow, rows


async def saved(engine: AsyncEngine, claim: claims.Claim, document: dict[str, Any], *, keep: bool = False) -> None:
    async with engine.begin() as connection:
        await workflows.save(connection, claim, document, keep_document=keep)


@pytest.mark.parametrize("ended", ["succeeded", "failed", "expired", "canceled", "Succeeded"])
async def test_a_terminal_status_never_goes_back(engine: AsyncEngine, ended: str) -> None:
    claim = await claimed_workflow(engine)
    await saved(engine, claim, {"status": "processing"})
    await saved(engine, claim, {"status": ended})
    for later in ("processing", "canceled", "deleted", None):
        await saved(engine, claim, {"status": later})
        await saved(engine, claim, {"status": later}, keep=True)
    assert await rows(engine, "SELECT status FROM workflows") == [(ended,)]


async def test_a_document_is_kept_with_its_facts(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    document = {
        "id": "wf",
        "status": "succeeded",
        "createdAt": "2026-11-22T05:00:00Z",
        "startedAt": "2026-11-22T05:00:01Z",
        "completedAt": "2026-11-22T05:00:02Z",
        "tags": ["a", "n\x00l"],
        "metadata": {"k": "\ud800"},
        "cost": {"total": 12.5, "currency": "BUZZ"},
        "nsfwLevel": "pg",
        "ephemeral": True,
    }
    await saved(engine, claim, document)
    ((status, tags, metadata, cost, currency, nsfw_level, ephemeral, deadline_at, fetched),) = await rows(
        engine,
        "SELECT status, tags, metadata, cost, currency, nsfw_level, ephemeral, deadline_at, fetched_at IS NOT NULL "
        "FROM workflows",
    )
    assert (status, tags, metadata) == ("succeeded", ["a", "n\ufffdl"], {"k": "\ufffd"})
    assert (float(cost), currency, nsfw_level, ephemeral, fetched) == (12.5, "BUZZ", "pg", True, True)
    assert deadline_at == datetime(2026, 11, 22, 5, 0, 2, tzinfo=UTC) + workflows.RETENTION
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT document FROM workflows")) == {
            **document,
            "tags": ["a", "n\ufffdl"],
            "metadata": {"k": "\ufffd"},
        }


async def test_a_lesser_document_leaves_the_one_that_is_there(engine: AsyncEngine) -> None:
    claim = await claimed_workflow(engine)
    await saved(engine, claim, {"status": "succeeded", "tags": ["kept"]})
    await saved(engine, claim, {"status": "succeeded", "tags": []}, keep=True)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT document FROM workflows")) == {
            "status": "succeeded",
            "tags": ["kept"],
        }
    assert await rows(engine, "SELECT tags FROM workflows") == [(["kept"],)]
