"""Somebody runs every command on a page: one in running text stands in a block too, or in the table of `elsewhere`."""

import shlex
from pathlib import Path

import pytest

from tests.packaging import elsewhere, pages

NEEDS = {"Docker", "a registry of Python packages", "uv, npm and their registries"}
"""What not everybody has: a block that begins with `# Needs Docker.` is for the reader alone."""

COMMANDS = {page: pages.commands(page) for page in pages.PAGES}
IN_PASSING = {page: pages.commands_in_passing(page) for page in pages.PAGES if page not in pages.HISTORY}
TYPED = [words for found in COMMANDS.values() for command in found for words in command.calls]


@pytest.mark.parametrize("page", IN_PASSING, ids=pages.name)
def test_every_command_in_running_text_stands_in_a_block_or_is_run_elsewhere(page: Path) -> None:
    """Its words do, in their order: a bare `civitai-archive verify` stands in `civitai-archive verify --all`."""
    for command in IN_PASSING[page]:
        is_typed = elsewhere.named(command) or any(command.is_within(words) for words in TYPED)
        assert is_typed, (
            f"{command}: nobody runs `{command.text}`. Put it into a block marked sh, or into elsewhere.py."
        )


def test_a_command_in_running_text_is_told_from_what_is_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `verify --all`, or `createdb other`,\nor `civitai-archive\nstatus && .ci/run now`.\n"
        "```sh\nmake `echo test`\n```\n"
        'No command: `make`, `GET /ready`, `ALTER ROLE r`, `--source auto`, `X-Header: v`, `{"a": 1}`, `job I [--raw]`.'
    )
    assert [(command.line, *command.words) for command in pages.commands_in_passing(page)] == [
        (1, "civitai-archive", "verify", "--all"),
        (1, "createdb", "other"),
        (2, "civitai-archive", "status"),
        (2, ".ci/run", "now"),
    ]


def test_what_is_not_run_here_is_run_elsewhere() -> None:
    """Whoever is named is there, knows the command's options, and is one that runs it."""
    every = [command for found in (*COMMANDS.values(), *IN_PASSING.values()) for command in found]
    assert set(filter(None, map(elsewhere.named, every))) == elsewhere.RUN_BY.keys(), (
        "a line of the table is on no page any more"
    )
    for command, where in elsewhere.RUN_BY.items():
        path, _, test = where.partition("::")
        text = (pages.HOUSE / path).read_text()
        run = [line.partition(" || ")[0] for line in text.splitlines()]
        assert f"def {test}(" in text if test else command in (*run, path), where
        assert all(word in text for word in shlex.split(command) if word.startswith("--")), f"{where}: {command}"


def test_what_a_page_says_that_a_command_needs_is_not_to_be_had_here() -> None:
    assert {command.needs for found in COMMANDS.values() for command in found if command.needs} == NEEDS


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_no_command_stands_where_it_is_not_looked_for(page: Path) -> None:
    """Every block says in which language it is, and none is made by indentation."""
    assert {block.language for block in pages.blocks(page)} <= pages.LANGUAGES
    assert pages.indented(page) == []
