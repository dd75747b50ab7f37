"""What the pages tell a reader to type works, and what they point to is there."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from archive.settings import variables
from cli.main import app
from gateway import metrics as gateway_metrics
from receiver import metrics as receiver_metrics
from tests.packaging import pages
from worker import metrics as worker_metrics

OPERATIONS = pages.HOUSE / "docs" / "operations.md"


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_command_on_a_page_is_one_that_there_is(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (pages.HOUSE / "Makefile").read_text(), re.MULTILINE))
    for command in [*pages.commands(page), *pages.commands_in_passing(page)]:
        for words in command.calls:
            if "civitai-archive" in words:
                is_there(command, words[words.index("civitai-archive") + 1 :])
            elif words[0] == "make":
                assert set(words[1:]) <= targets, command
            elif words[0].endswith("python") and words[1] == "-m":
                assert importlib.util.find_spec(words[2]), command


def is_there(typed: pages.Command, arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    left = list(arguments)
    while left and hasattr(command, "commands"):
        name = left.pop(0)
        if name.startswith("-") or pages.PLACEHOLDER.fullmatch(name):  # of all commands: `… --help`
            return
        assert name in command.commands, f"{typed}: {arguments}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    options = {argument.partition("=")[0] for argument in left if re.match(r"--?[a-zA-Z]", argument)}
    assert options - {"--help"} <= known, f"{typed}: {arguments}"


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, heading in pages.links(page):
        assert target.exists(), f"{page.name}: {target}"
        assert not heading or heading in pages.anchors(target), f"{page.name}: #{heading}"


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


def test_every_variable_is_explained_and_none_that_there_is_not() -> None:
    rows = re.findall(r"^\| (`[A-Z].*) \|", (pages.HOUSE / "README.md").read_text(), re.MULTILINE)
    known = variables.EXAMPLES.keys() | variables.S3_EXAMPLES.keys()
    assert known <= {name for row in rows for name in re.findall(r"`([A-Z][A-Z_0-9]+)\b", row)}
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.partition(" | ")[0])} <= known


def rooms() -> dict[str, set[str]]:
    """What the architecture names, by the room in whose line it does."""
    text = (pages.HOUSE / "docs" / "architecture.md").read_text()
    lines = re.findall(r"^\| `([\w/]+)/` \| (.*) \|$", text, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", line)) for room, line in lines}


def test_the_architecture_names_no_module_that_is_gone() -> None:
    assert len(rooms()) > 10
    for room, named in rooms().items():
        above = pages.HOUSE / room.partition("/")[0]  # where some of what belongs to a room lies beside it
        there = {path.stem for path in above.rglob("*.py")} | {path.name for path in above.rglob("*") if path.is_dir()}
        assert named <= there, room


@pytest.mark.parametrize(
    "room", ["archive", "embedded", "gateway", "migrations", "orchestration", "receiver", "worker"]
)
def test_the_architecture_names_every_module_of_a_room(room: str) -> None:
    """A file of the others is a command, a bench or a part of the stand-in, and says so itself."""
    named = set().union(*(names for each, names in rooms().items() if each.partition("/")[0] == room))
    modules = (pages.HOUSE / room).rglob("*.py")
    there = {path.stem for path in modules if path.parent.name not in ("tables", "versions") and path.stem[:2] != "__"}
    assert there - named == set()
