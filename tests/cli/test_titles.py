from tests.cli import commands


async def test_commands_stand_under_titles_with_their_first_sentence_whole(alone: dict[str, str]) -> None:
    done = await commands.run("--help", environment=alone | {"COLUMNS": "120"})
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines.index("Run:") < lines.index("Keep:") < lines.index("Set up:")
    assert "  worker    Run one worker alone: it fetches what is due and keeps the results." in lines
    assert "..." not in done.out.partition("Run:")[2]


async def test_help_is_folded_to_the_terminal_s_width(alone: dict[str, str]) -> None:
    done = await commands.run("--help", environment=alone | {"COLUMNS": "60"})
    assert max(len(line) for line in done.out.splitlines()) <= 60
