"""Every command that a page has its reader type works, but for what is run elsewhere or needs what is not here."""

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from embedded import binaries
from embedded.supervisor import Addresses
from sandbox.server import Sandbox
from tests import ports, working
from tests.cli import commands
from tests.embedded.clients import sql
from tests.packaging import elsewhere, pages
from tests.sandbox import consumers

COMMANDS = {page: pages.commands(page) for page in pages.PAGES}
CONTRIBUTING = pages.HOUSE / "CONTRIBUTING.md"
OPERATIONS = pages.HOUSE / "docs" / "operations.md"
SANDBOX = pages.HOUSE / "docs" / "sandbox.md"
SECRET = "a-secret-for-the-pages"

PAGE_SECONDS = 600.0
"""Dozens of processes, one after the other, on a machine that may do much else."""

pytestmark = [
    pytest.mark.timeout(PAGE_SECONDS + 60),
    pytest.mark.skipif(
        not (shutil.which("bash") and shutil.which("curl")),
        reason="what the pages say is typed into bash, some to curl",
    ),
]


@dataclass(frozen=True)
class Stack:
    """Everything that a reader of the pages has: it is up, and has archived a workflow."""

    environment: dict[str, str]
    directory: Path
    told: dict[str, str]
    """What stands in the commands for the reader's own → what it is here."""
    workflow_id: str

    async def type(self, page: Path, **given: str) -> None:
        """Have a shell run the page's commands one after the other; fail with the first that does.

        They are in a copy of the house that holds what they read, and `given` is added to the environment.
        """
        here = self.directory / page.stem
        shutil.copytree(pages.HOUSE, here, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
        _lend_environment(here / ".venv")
        for name in ("workflow.json", "patch.json"):
            shutil.copy(self.directory / name, here)
        lines = ["set -uo pipefail", 'ended() { [ "$1" = 0 ] || { echo "$2 ended with $1" >&2; exit 1; }; }']
        for command in COMMANDS[page]:
            if command.needs is None and elsewhere.named(command) is None:
                lines += [self._filled(command), f'ended $? "{command}"']
        done = await commands.run(
            "-c",
            "\n".join(lines),
            environment=self.environment | {"PYTHONPATH": str(here)} | given,
            program=Path(shutil.which("bash") or "bash"),
            directory=here,
            within=PAGE_SECONDS,
        )
        assert done.code == 0, done.out + done.err

    def _filled(self, command: pages.Command) -> str:
        text = command.text
        for placeholder, value in self.told.items():
            text = text.replace(placeholder, value)
        assert "…" not in text, f"{command} leaves something open that no test fills in: {text}"
        return text


def _lend_environment(to: Path) -> None:
    """Our own Python and packages, as `make` finds them in a checkout: ready."""
    to.mkdir()
    for part in Path(sys.prefix).iterdir():
        (to / part.name).symlink_to(part)
    (to / ".ready").unlink(missing_ok=True)
    (to / ".ready").touch()


@pytest.fixture(scope="module")
async def databases(addresses: Addresses) -> AsyncIterator[dict[str, Addresses]]:
    """Databases of their own for the pages: one to use, and such as commands fill."""
    made = {
        name: replace(addresses, database_url=addresses.database_url.replace("/archive?", f"/{name}?"))
        for name in ("pages", "empty", "restored", "rebuilt")
    }
    for name in ("pages", "empty"):
        sql(addresses, f"CREATE DATABASE {name}")
    yield made
    for name in made:
        sql(addresses, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
async def stack(databases: dict[str, Addresses], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """`civitai-archive up` on servers of its own, and what the pages' commands ask it for."""
    directory = tmp_path_factory.mktemp("pages")
    (directory / ".curlrc").write_text('fail\nsilent\nshow-error\nnoproxy = "*"\n')
    free = {name: str(ports.free()) for name in ("RECEIVER_PORT", "GATEWAY_PORT", "MCP_PORT")}
    programs = [Path(sys.executable).parent, binaries.postgres("psql").parent]
    async with Sandbox() as sandbox, consumers.of(sandbox) as consumer:
        environment = {
            "ARCHIVE_HOME": str(directory / "home"),
            "BLOB_ALLOW_PRIVATE": "true",
            "CALLBACK_SECRETS": f"main:{SECRET}",
            "CIVITAI_API_TOKEN": sandbox.token,
            "CIVITAI_API_URL": sandbox.api_url,
            "DATABASE_URL": databases["pages"].database_url,
            "HOME": str(directory),
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
            "PUBLIC_URL": f"http://127.0.0.1:{free['RECEIVER_PORT']}",
            "REDIS_URL": databases["pages"].redis_url,
        } | {f"{name.upper()}_URL": databases[name].database_url for name in ("empty", "restored", "rebuilt")}
        environment |= free
        async with commands.started("up", environment=environment) as up:
            await up.says('"event": "up"')
            callbacks = f"{environment['PUBLIC_URL']}/callbacks?token={SECRET}"
            body = consumers.body() | {"tags": ["user:12345"]}
            body["steps"][0]["name"] = "0"
            body["callbacks"] = [{"url": callbacks, "type": ["workflow:*"], "detailed": True}]
            workflow = consumers.document(await consumer.submit(body, wait=20))
            async with httpx.AsyncClient(trust_env=False) as http:
                for number in range(5):
                    assert (await http.post(callbacks, json=["no event", number])).status_code == 202

            async def archived() -> bool:
                query = "SELECT count(*) FROM workflows WHERE archived_at IS NOT NULL AND due_at IS NULL"
                return sql(databases["pages"], query) == "1"

            await working.eventually(archived, what="that it is archived", within=60)
            key = await commands.run("key", "create", "pages", "--scope", "read", environment=environment)
            (directory / "workflow.json").write_text(json.dumps(consumers.body()))
            (directory / "patch.json").write_text(json.dumps([{"op": "add", "path": "/metadata/note", "value": "x"}]))
            told = {
                "8484131-20260121222126332": workflow["id"],
                "wf_01HX6Y2Q9C0D1E2F3G4H5J6K": workflow["id"],
                "WORKFLOW": workflow["id"],
                "58de87d7-d594-4d71-ae43-dd8fc1bcbd23": workflow["steps"][0]["jobs"][0]["id"],
                "JNFDW54JNTATNW42HACYCWSQP0.jpeg": consumers.image(workflow)["id"],
                "cak_…": key.out.strip(),
                "127.0.0.1:8080": f"127.0.0.1:{free['GATEWAY_PORT']}",
                "CIVITAI_API_TOKEN=…": f"CIVITAI_API_TOKEN={sandbox.token}",
                "CALLBACK_SECRETS=main:…": f"CALLBACK_SECRETS=main:{SECRET}",
                "civitai-archive migrate && civitai-archive rebuild": 'DATABASE_URL="$EMPTY_URL" '
                'sh -c "civitai-archive migrate && civitai-archive rebuild"',
            }
            yield Stack(environment, directory, told, workflow["id"])


@pytest.mark.parametrize("page", [page for page in COMMANDS if COMMANDS[page]], ids=pages.name)
async def test_every_command_on_a_page_works(page: Path, stack: Stack, databases: dict[str, Addresses]) -> None:
    if page == SANDBOX:
        async with Sandbox() as sandbox:
            await stack.type(page, CIVITAI_API_URL=sandbox.api_url, CIVITAI_API_TOKEN=sandbox.token)
    else:
        await stack.type(page)
    if page == CONTRIBUTING:
        assert list((stack.directory / page.stem / "migrations" / "versions").glob("*_what_it_does.py"))
        for written in (*pages.HOUSE.glob("docs/*.*"), *pages.HOUSE.glob("dashboards/*.json")):
            anew = stack.directory / page.stem / written.relative_to(pages.HOUSE)
            assert anew.read_bytes() == written.read_bytes(), f"{written.name} is not what its command writes"
    if page == OPERATIONS:
        for name in ("restored", "rebuilt"):
            assert sql(databases[name], "SELECT id FROM workflows WHERE archived_at IS NOT NULL") == stack.workflow_id
            assert sql(databases[name], "SELECT count(*) FROM results WHERE stored_at IS NOT NULL") != "0"
