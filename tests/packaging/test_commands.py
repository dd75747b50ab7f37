"""Every command that a page has its reader type works: it is run here or elsewhere, or the page says what it needs."""

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
from tests.packaging import pages
from tests.sandbox import consumers

NEEDS = {"Docker", "a registry of Python packages"}
"""What not everybody has: a block that begins with `# Needs Docker.` is for the reader alone."""

ELSEWHERE = {
    ".ci/run": ".ci/run",
    "make check": ".ci/run",
    "make test": ".ci/run",
    "make demo": "tests/cli/test_demo.py::test_the_demo_archives_a_dozen_workflows_and_leaves_nothing_running",
    "civitai-archive demo": "tests/cli/test_demo.py::test_a_demo_that_is_kept_answers_the_lines_that_it_suggests",
    "civitai-archive gateway": "tests/cli/test_gateway.py::"
    "test_it_serves_who_has_a_key_until_it_is_asked_to_end_and_shows_no_secret",
    "civitai-archive mcp": "tests/cli/test_mcp.py::test_an_assistant_starts_it_and_needs_no_key",
    "civitai-archive receiver": "tests/cli/test_receiver.py::"
    "test_several_processes_share_the_port_and_their_metrics_add_up",
    "civitai-archive sandbox": "tests/cli/test_sandbox.py::test_it_serves_what_it_says_until_it_is_asked_to_end",
    "civitai-archive status --watch": "tests/cli/test_status.py::test_a_watch_goes_on_until_ctrl_c_and_ends_well",
    "civitai-archive up": "tests/cli/test_up.py::test_one_command_archives_and_survives_the_loss_of_valkey",
    "civitai-archive worker": "tests/cli/test_worker.py::test_it_works_until_it_is_asked_to_end",
}
"""What takes minutes, or goes on until somebody ends it: how it begins, and who runs it."""

COMMANDS = {page: pages.commands(page) for page in pages.PAGES}
ALL = [command for found in COMMANDS.values() for command in found]
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


def run_elsewhere(command: pages.Command) -> str | None:
    """The entry of the table that this command is, if any."""
    return next((known for known in ELSEWHERE if command.words[: len(known.split())] == known.split()), None)


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

        They are in a directory that holds what they read, and `given` is added to the environment.
        """
        here = self.directory / page.stem
        here.mkdir()
        for name in ("workflow.json", "patch.json"):
            shutil.copy(self.directory / name, here)
        lines = ["set -uo pipefail", 'ended() { [ "$1" = 0 ] || { echo "$2 ended with $1" >&2; exit 1; }; }']
        for command in COMMANDS[page]:
            if command.needs is None and run_elsewhere(command) is None:
                lines += [self._filled(command), f'ended $? "{command}"']
        done = await commands.run(
            "-c",
            "\n".join(lines),
            environment=self.environment | given,
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
    if page == OPERATIONS:
        for name in ("restored", "rebuilt"):
            assert sql(databases[name], "SELECT id FROM workflows WHERE archived_at IS NOT NULL") == stack.workflow_id
            assert sql(databases[name], "SELECT count(*) FROM results WHERE stored_at IS NOT NULL") != "0"


def test_what_is_not_run_here_is_run_elsewhere() -> None:
    """Whoever is named is there, and is one that runs it."""
    assert set(filter(None, map(run_elsewhere, ALL))) == ELSEWHERE.keys(), "a line of the table is on no page any more"
    for command, where in ELSEWHERE.items():
        path, _, test = where.partition("::")
        text = (pages.HOUSE / path).read_text()
        run = [line.partition(" || ")[0] for line in text.splitlines()]
        assert f"def {test}(" in text if test else command in (*run, path), where


def test_what_a_page_says_that_a_command_needs_is_not_to_be_had_here() -> None:
    assert {command.needs for command in ALL if command.needs} == NEEDS


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_no_command_stands_where_it_is_not_looked_for(page: Path) -> None:
    """Every block says in which language it is, and none is made by indentation."""
    assert {block.language for block in pages.blocks(page)} <= pages.LANGUAGES
    assert pages.indented(page) == []
