"""What the pages tell a reader to type works, and what they point to is there."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from cli.main import app
from embedded import binaries
from embedded.supervisor import Addresses
from gateway import metrics as gateway_metrics
from orchestration import client
from receiver import metrics as receiver_metrics
from sandbox.server import Sandbox
from tests.cli import commands
from tests.embedded.clients import sql
from tests.packaging import pages
from tests.worker import rows
from tests.working import eventually
from worker import metrics as worker_metrics

OPERATIONS = pages.HOUSE / "docs" / "operations.md"
NEEDS = re.compile(r"# Needs (Docker|a real token|a registry of Python packages)\.\n")


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: str(page.relative_to(pages.HOUSE)))
def test_every_command_on_a_page_is_one_that_there_is(page: Path) -> None:
    for arguments in pages.commands(page):
        command: Any = typer.main.get_command(app)
        left = list(arguments)
        while left and hasattr(command, "commands"):
            name = left.pop(0)
            if name.startswith("-") or not name.isascii() or name == "COMMAND":  # of all commands: `… --help`
                break
            assert name in command.commands, f"{page.name}: {arguments}"
            command = command.commands[name]
        else:
            known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
            options = {argument.partition("=")[0] for argument in left if re.match(r"--?[a-zA-Z]", argument)}
            assert options - {"--help"} <= known, f"{page.name}: {arguments}"


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: str(page.relative_to(pages.HOUSE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, heading in pages.links(page):
        assert target.exists(), f"{page.name}: {target}"
        assert not heading or heading in pages.anchors(target), f"{page.name}: #{heading}"


@pytest.fixture
def new_databases(addresses: Addresses) -> Iterator[dict[str, str]]:
    """The addresses at which a restored and a rebuilt database will be."""
    yield {
        f"{name.upper()}_URL": addresses.database_url.replace("/archive?", f"/{name}?")
        for name in ("restored", "rebuilt")
    }
    for name in ("restored", "rebuilt"):
        sql(addresses, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def test_the_commands_of_operations_do_what_they_say(
    config: settings.Settings,
    engine: AsyncEngine,
    environment: dict[str, str],
    sandbox: Sandbox,
    worker: Callable[[], AbstractAsyncContextManager[None]],
    addresses: Addresses,
    new_databases: dict[str, str],
    tmp_path: Path,
) -> None:
    async with worker(), client.Client(config.api_url, sandbox.token) as civitai:
        body = {"steps": [{"$type": "imageGen", "name": "s", "metadata": {"sandbox": {"seconds": 0}}}]}
        workflow_id = (await civitai.submit(body, wait=10))["id"]
        await rows.tell(engine, workflow_id)
        await eventually(lambda: rows.archived(engine), within=40)

    script = "".join(block for block in pages.blocks(OPERATIONS) if not NEEDS.match(block))
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(binaries.postgres("psql").parent), os.environ["PATH"]]
    )
    told = environment | new_databases | {"PATH": path, "HOME": str(tmp_path), "PUBLIC_URL": "https://a.example.org"}
    done = await commands.run(
        "-euo", "pipefail", "-c", script, environment=told, program=Path("/bin/bash"), directory=tmp_path, within=100
    )
    assert done.code == 0, done.err + done.out

    for url in new_databases.values():
        there = replace(addresses, database_url=url)
        assert sql(there, "SELECT id FROM workflows WHERE archived_at IS NOT NULL") == workflow_id
        assert sql(there, "SELECT count(*) FROM results WHERE stored_at IS NOT NULL") != "0"


def test_every_metric_and_every_alert_is_explained() -> None:
    text = OPERATIONS.read_text()
    for module in (receiver_metrics, worker_metrics, gateway_metrics):
        names = {metric.name for metric in module.REGISTRY.collect()}
        assert names
        assert {name for name in names if f"`{name}`" not in text} == set()
    alerts = yaml.safe_load((pages.HOUSE / "dashboards" / "provisioning" / "alerting" / "archive.yaml").read_text())
    titles = [rule["title"] for group in alerts["groups"] for rule in group["rules"]]
    assert titles
    assert {title for title in titles if f"| {title} |" not in text} == set()
