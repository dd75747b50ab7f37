import sys
from pathlib import Path

from tests.cli import commands


async def test_the_package_is_the_command(alone: dict[str, str]) -> None:
    done = await commands.run("-m", "cli", "sql", "SELECT 1", environment=alone, program=Path(sys.executable))
    done.assert_failed(2, "DATABASE_URL is not set, and no archive is up on this machine")
