"""MCP's own inspector lists every tool and resource of the gateway, and uses every tool."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.clients import inspector, javascript
from tests.gateway.conftest import STEP, Archive, blob_of


async def test_it_lists_and_uses_every_tool(
    installed: None, archive: Archive, gateway: str, key: str, tmp_path: Path
) -> None:
    del installed
    await asyncio.to_thread(javascript.install, inspector.HERE)
    (workflow,) = await archive.archived()

    async def ask(method: str, *options: str) -> dict[str, Any]:
        return await inspector.ask(gateway, key, tmp_path, method, *options)

    async def use(name: str, *arguments: str) -> dict[str, Any]:
        given = [part for argument in arguments for part in ("--tool-arg", argument)]
        used = await ask("tools/call", "--tool-name", name, *given)
        assert not used.get("isError"), used
        return dict(used["structuredContent"])

    body = json.dumps({"steps": [STEP], "metadata": {"sandbox": {"seconds": 60}}})
    running = await use("civitai-submit-workflow", f"body={body}")
    canceled = await use("civitai-cancel-workflow", f"workflowId={running['id']}")
    assert (canceled["id"], canceled["status"]) == (running["id"], "canceled")
    uses = {
        "civitai-get-workflow": [f"workflowId={workflow['id']}"],
        "civitai-query-workflows": ["take=5", "source=archive"],
        "archive-search-results": ["text=two cats"],
        "archive-get-result": [f"blobId={blob_of(workflow)['id']}"],
        "archive-timeline": [f"workflowId={workflow['id']}"],
        "archive-status": [],
        "archive-at-risk": [],
    }
    for name, arguments in uses.items():
        assert await use(name, *arguments)
    # `--strict` fails for a schema that some assistants could not read.
    listed = await ask("tools/list", "--strict")
    assert {tool["name"] for tool in listed["tools"]} == {"civitai-submit-workflow", "civitai-cancel-workflow", *uses}
    assert len((await ask("resources/templates/list"))["resourceTemplates"]) == 2
    read = await ask("resources/read", "--uri", f"archive://workflows/{workflow['id']}")
    assert json.loads(read["contents"][0]["text"])["id"] == workflow["id"]
