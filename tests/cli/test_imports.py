"""What commands import: whoever types one waits for that, every time."""

import re
import sys
from pathlib import Path

from sandbox.server import Sandbox
from tests.cli import asking, commands

OF_OTHERS = {"aiohttp", "alembic", "arq", "asyncpg", "httpx", "mcp", "obstore", "redis", "sqlalchemy", "uvicorn"}
"""What the database, the queue, the storage, and whatever serves somebody are made with."""


async def imported(*arguments: str, environment: dict[str, str]) -> set[str]:
    """The packages that a command imports on its way to a good end."""
    words = ("-X", "importtime", "-m", "cli", *arguments)
    done = await commands.run(*words, environment=environment, program=Path(sys.executable))
    assert done.code == 0, done.err
    return set(re.findall(r"^import time:.*\| +([a-z0-9_]+)$", done.err, re.MULTILINE))


async def test_what_civitai_answers_and_changes_imports_nothing_of_the_archive_s(
    alone: dict[str, str], environment: dict[str, str], sandbox: Sandbox
) -> None:
    workflow = str((await asking.ran(sandbox))["id"])
    for words in (["workflow", workflow], ["workflows"], ["tag", workflow, "a-tag"]):
        found = await imported(*words, environment=alone | environment)
        assert "httptools" in found
        assert not sorted(found & OF_OTHERS), words


async def test_help_imports_no_more_than_typer_needs(alone: dict[str, str]) -> None:
    found = await imported("workflows", "--help", environment=alone)
    assert "typer" in found
    assert not sorted(found & (OF_OTHERS | {"archive", "httptools", "orchestration", "rich"}))
