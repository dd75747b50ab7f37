"""A workflow with pictures, tried once, and what became of its results."""

from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from orchestration.wire import JsonObject
from tests.worker import files, rows
from tests.worker.civitai import Civitai, document, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools


async def archive(tools: Tools, civitai: Civitai, *found: JsonObject, days_ago: float = 0) -> None:
    """Have a workflow with these pictures told, and try it once."""
    civitai.workflows["w"] = document("w", step("s", *found), days_ago=days_ago)
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")


async def the_result(engine: AsyncEngine) -> RowMapping:
    (result,) = await rows.results(engine)
    return result


async def tries(engine: AsyncEngine) -> list[dict[str, Any]]:
    return [dict(row) for row in await rows.select(engine, "SELECT * FROM attempts ORDER BY id")]


def objects(storage: Path) -> list[bytes]:
    return list(files.objects(storage).values())
