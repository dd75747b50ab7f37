"""The program as it is installed, from its start to its end."""

from pathlib import Path

import pytest

from tests.cli import commands

TOKEN = {"CIVITAI_API_TOKEN": "token", "CALLBACK_SECRETS": "main:0123456789abcdef"}


@pytest.mark.parametrize(
    ("wrong", "code", "sentence"),
    [
        ({"DATABASE_URL": "mysql://localhost/x"}, 2, r"DATABASE_URL does not begin with .* Example: DATABASE_URL="),
        ({"CALLBACK_SECRETS": "main:short"}, 2, r"CALLBACK_SECRETS has a secret for 'main' that is not"),
        ({"CIVITAI_API_TOKEN": ""}, 3, r"CIVITAI_API_TOKEN is not set"),
        ({"CIVITAI_API_TOKEN": "", "CIVITAI_API_TOKEN_FILE": "/nowhere"}, 3, r"cannot be read from /nowhere"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_bad_setting_is_one_sentence_that_names_it(
    alone: dict[str, str], tmp_path: Path, wrong: dict[str, str], code: int, sentence: str
) -> None:
    done = await commands.run("up", environment=alone | TOKEN | wrong, program=commands.CIVITAI_ARCHIVE)
    done.assert_failed(code, sentence)
    assert "0123456789abcdef" not in done.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["frobnicate"], ["sql"], ["receiver", "--port", "70000"], ["up", "--prot", "1"]])
async def test_a_wrong_command_line_is_usage(alone: dict[str, str], arguments: list[str]) -> None:
    done = await commands.run(*arguments, environment=alone, program=commands.CIVITAI_ARCHIVE)
    assert done.code == 2
    assert "Usage: civitai-archive" in done.err
    assert "Traceback" not in done.err


async def test_help_lists_every_command_and_explains_each(alone: dict[str, str]) -> None:
    done = await commands.run("--help", environment=alone, program=commands.CIVITAI_ARCHIVE)
    assert done.code == 0
    for command in ("up", "receiver", "worker", "migrate", "sandbox", "demo", "sql", "callback-url"):
        assert f" {command} " in done.out
    done = await commands.run("results", "--help", environment=alone)
    assert done.out.startswith("Usage: civitai-archive results")
    assert "Example: civitai-archive results" in done.out


async def test_a_pipe_that_is_closed_early_is_no_drama(alone: dict[str, str]) -> None:
    script = f'"{commands.CIVITAI_ARCHIVE}" --help | true'
    done = await commands.run("-c", script, environment=alone, program=Path("/bin/sh"))
    assert done.err == ""


async def test_much_output_into_a_pipe_that_is_closed_early_is_no_drama_either(servers: dict[str, str]) -> None:
    query = "SELECT repeat('x', 1000) AS x FROM generate_series(1, 2000)"
    script = f'"{commands.CIVITAI_ARCHIVE}" sql --json "{query}" | head -c 10'
    done = await commands.run("-c", script, environment=servers, program=Path("/bin/sh"))
    assert (done.out, done.err) == ('{"x": "xxx', "")


async def test_what_a_terminal_has_no_letters_for_is_no_failure(servers: dict[str, str]) -> None:
    environment = servers | {"PYTHONIOENCODING": "ascii"}
    done = await commands.run(
        "sql", "--csv", "SELECT '狐' AS fox", environment=environment, program=commands.CIVITAI_ARCHIVE
    )
    assert (done.code, done.out) == (0, "fox\n\\u72d0\n")


@pytest.mark.parametrize(
    ("line", "offered"),
    [("civitai-archive work", {"workflow", "workflows", "worker"}), ("civitai-archive workflows --source l", {"live"})],
)
async def test_the_shell_completes_commands_and_values(alone: dict[str, str], line: str, offered: set[str]) -> None:
    variables = {"_CIVITAI_ARCHIVE_COMPLETE": "complete_bash", "COMP_WORDS": line}
    environment = alone | variables | {"COMP_CWORD": str(len(line.split()) - 1)}
    done = await commands.run(environment=environment, program=commands.CIVITAI_ARCHIVE)
    assert set(done.out.split()) == offered


async def test_an_error_writes_nothing_that_a_terminal_obeys(alone: dict[str, str], account: dict[str, str]) -> None:
    done = await commands.run(
        "workflow", "w\x1b[2J\u202e", environment=alone | account, program=commands.CIVITAI_ARCHIVE
    )
    assert done.code == 4
    assert not {"\x1b", "\u202e"} & set(done.err)
