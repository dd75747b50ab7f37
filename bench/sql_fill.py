"""Tables full of an archive's history, which PostgreSQL writes itself, as many at once as there are cores.

`history/drawn.sql` draws what each workflow is like; every other file there fills the table of its name.
"""

import asyncio
import os
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_FILES = Path(__file__).parent / "history"
_LARGEST_FIRST = ("events", "results", "objects", "workflows")
_SETTINGS = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL session_replication_role = replica",  # rows refer to one another rightly, once all are there
)


async def fill(engine: AsyncEngine, *, workflows: int, days: int) -> None:
    """Write so many workflows with all that belongs to them, spread over the last `days`. Needs a superuser.

    To each belong ten events and four results: the same for the same number of workflows.
    """
    scripts = {file.stem: file.read_text() for file in sorted(_FILES.glob("*.sql"))}
    parameters = {"workflows": workflows, "days": days}
    await _run(engine, scripts.pop("drawn"), parameters)
    waiting = sorted(scripts, key=lambda table: table not in _LARGEST_FIRST)

    async def take() -> None:
        while waiting:
            await _run(engine, scripts[waiting.pop(0)], parameters)

    async with asyncio.TaskGroup() as cores:
        for _ in range(os.cpu_count() or 1):
            cores.create_task(take())
    await _run(engine, "DROP SCHEMA bench CASCADE", {})


async def _run(engine: AsyncEngine, script: str, parameters: dict[str, int]) -> None:
    """Run a script, whose statements end with a semicolon and an empty line, in a transaction of its own."""
    async with engine.begin() as connection:
        for statement in (*_SETTINGS, *script.split(";\n\n")):
            await connection.execute(text(statement), parameters)
