"""The workflow `w`: archived once more, and looked at."""

from pathlib import Path
from typing import Any

from tests.worker import files, rows
from tests.worker.civitai import picture
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT = picture(b"a cat, as bytes " * 1000)
DOG = picture(b"a dog, as bytes " * 1000)
FETCH = "GET /v2/consumer/workflows/w"


async def again(tools: Tools) -> None:
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")


async def the_workflow(tools: Tools) -> dict[str, Any]:
    query = "SELECT *, due_at <= now() AS is_due, extract(epoch FROM due_at - now()) AS waits FROM workflows"
    return dict(await rows.one(tools.engine, query))


async def everything(tools: Tools) -> dict[str, list[dict[str, Any]]]:
    names = ("workflows", "steps", "jobs", "results", "objects", "attempts", "events")
    return {name: [dict(row) for row in await rows.select(tools.engine, f"TABLE {name}")] for name in names}


def objects(storage: Path) -> set[bytes]:
    return set(files.objects(storage).values())
