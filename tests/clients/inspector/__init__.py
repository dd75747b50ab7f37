"""The command line of MCP's own inspector, `@modelcontextprotocol/inspector`: a client that nobody here wrote."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

LAUNCHER = HERE / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
_ANSWERS_WITHIN = 60  # seconds


async def ask(url: str, key: str, home: Path, method: str, *options: str) -> dict[str, Any]:
    """What the server at this address answers; the inspector keeps its own things in `home`."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(LAUNCHER), "--cli", f"{url}/mcp"),
        *("--transport", "http", "--header", f"Authorization: Bearer {key}"),
        *("--method", method, *options),
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await asyncio.wait_for(process.communicate(), _ANSWERS_WITHIN)
    assert process.returncode == 0, f"{out.decode()} {said.decode()}"
    answer: dict[str, Any] = json.loads(out)
    return answer
