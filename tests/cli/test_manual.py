import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from cli import manual
from cli.main import app
from tests.cli import commands

ROOT = Path(__file__).parents[2]
SKILL = ROOT / "skills" / "civitai-archive" / "SKILL.md"


def every_command() -> dict[str, TyperCommand]:
    """Each command under its words."""

    def within(group: object, words: str) -> dict[str, TyperCommand]:
        assert isinstance(group, TyperGroup)
        found: dict[str, TyperCommand] = {}
        for name, command in group.commands.items():
            if isinstance(command, TyperGroup):
                found |= within(command, f"{words}{name} ")
            elif isinstance(command, TyperCommand):
                found[f"{words}{name}"] = command
        return found

    return within(typer.main.get_command(app), "")


def test_the_page_says_what_the_commands_say() -> None:
    assert manual.PAGE.read_text() == manual.page(), "run make manual"


@pytest.mark.parametrize("words", every_command())
def test_every_command_s_help_ends_with_an_example_of_it(words: str) -> None:
    example = every_command()[words].epilog or ""
    assert example.startswith("Example: ")
    assert f"civitai-archive {words}" in example


async def test_a_stale_page_fails_the_check(alone: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cli.md").write_text("stale")
    script = f"import sys; from pathlib import Path; from cli import manual; manual.PAGE = Path({str(tmp_path)!r}) / "
    script += "'docs' / 'cli.md'; sys.argv.append('--check'); sys.exit(manual.main())"
    done = await commands.run("-c", script, environment=alone, program=commands.BIN / "python")
    assert done.code == 1
    assert "run make manual" in done.err


def test_the_skill_names_commands_and_options_that_there_are() -> None:
    known = every_command()
    for command in re.findall(r"`(?:civitai-archive )?([a-z]+ [^`]*)`", SKILL.read_text()):
        name, *rest = shlex.split(command.replace("\\|", "|"))
        if name not in known:
            continue
        options = {
            option for parameter in known[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for word in rest:
            if found := re.match(r"\[?(--[A-Za-z-]+)", word):
                assert found[1] in options, f"{name} {found[1]}"
    named = set(re.findall(r"^\| `([a-z]+)", SKILL.read_text(), re.MULTILINE))
    assert named >= {"test", "user", "workflows", "workflow", "step", "job", "results", "blob", "events", "timeline"}
