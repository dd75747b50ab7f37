"""The gateway as a process that an assistant starts: by the official SDK's client."""

from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.client import ConnectMode
from mcp.client.stdio import StdioServerParameters, stdio_client
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive.factories import archived_workflow
from tests.cli import commands
from tests.gateway.mcp.assistants import refused, use


@pytest.mark.parametrize(("arguments", "mode"), [(["mcp"], "auto"), (["mcp", "--read-only"], "legacy")])
async def test_an_assistant_starts_it_and_needs_no_key(
    servers: dict[str, str],
    account: dict[str, str],
    engine: AsyncEngine,
    tmp_path: Path,
    arguments: list[str],
    mode: ConnectMode,
) -> None:
    document: dict[str, Any] = {"id": "wf", "status": "succeeded", "steps": []}
    await archived_workflow(engine, document)
    command = StdioServerParameters(
        command=str(commands.CIVITAI_ARCHIVE), args=arguments, env=servers | account, cwd=tmp_path
    )
    with (tmp_path / "log").open("w+") as log:
        async with Client(stdio_client(command, errlog=log), mode=mode) as client:
            told = {tool.name for tool in (await client.list_tools()).tools}
            assert len(told) == (7 if "--read-only" in arguments else 9)
            assert ("civitai-submit-workflow" in told) == ("--read-only" not in arguments)
            assert (await use(client, "civitai-get-workflow", workflowId="wf"))["status"] == "succeeded"
            assert (await use(client, "archive-status"))["workflows"]["archived"] == 1
            said = await refused(client, "civitai-cancel-workflow", workflowId="wf")
            assert ("started for read alone" in said) == (arguments == ["mcp", "--read-only"])
        log.seek(0)
        written = log.read()
    assert "Traceback" not in written
    assert account["CIVITAI_API_TOKEN"] not in written


async def test_without_a_database_it_says_so(account: dict[str, str], tmp_path: Path) -> None:
    environment = account | {"ARCHIVE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = await commands.run("mcp", environment=environment)
    done.assert_failed(2, "DATABASE_URL|civitai-archive up")
