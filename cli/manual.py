"""docs/cli.md: what every command's `--help` says, on one page. `make manual` writes it, `make check` compares it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH = 100  # columns

ABOUT = """\
# The command line

`civitai-archive COMMAND --help` says the same at a terminal; `make manual` writes this page from there.

**Where answers come from.** What can be asked of Civitai can be asked of the archive too. `--source auto`,
the default, asks Civitai, and the archive if Civitai does not answer, has forgotten, or refuses; `live` and
`archive` ask one of them alone. Which it was stands on standard error. The archive is found by
`DATABASE_URL`, or because it is up in `ARCHIVE_HOME`.

**What is printed.** Tables for people, folded to the terminal's width (`COLUMNS`), without colours where
`NO_COLOR` is set or nobody watches. With `--json` documents are printed as Civitai gave them, lists as one
document a line. Notes, errors and progress go to standard error. What others wrote is printed without the
characters that a terminal obeys: as escapes in JSON, as `\N{REPLACEMENT CHARACTER}` elsewhere. The secret in a
callback's URL, which Civitai repeats in its documents, is shown as `***`; `callback-url` alone prints it.

**Who you are.** `CIVITAI_API_TOKEN` and `CIVITAI_API_URL` from the environment; where that has no token, both
from `.claude/skills/civitai-orchestration/.env` or `.env` in the current directory, whichever is found first.

**How it ends.** 0 done, 1 it failed, 2 usage, 3 credentials, 4 not found. A failure is one sentence on
standard error.

**Completion** of commands and options, for the shell that you are in:

```sh
civitai-archive --install-completion
```

Spellings of the civitai-orchestration skill are taken too: `--excludeFailed`, `--take=5`, `user-workflows`.
"""


def page() -> str:
    """The page, as it should be."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)  # noqa: S101 - it has commands
    parts = [ABOUT]
    for title in dict.fromkeys(getattr(command, "rich_help_panel", None) for command in root.commands.values()):
        parts.append(f"## {title}\n")
        for name, command in root.commands.items():
            if getattr(command, "rich_help_panel", None) == title and not command.hidden:
                context = typer.Context(root, info_name="civitai-archive", terminal_width=WIDTH)
                parts.extend(_sections(name, command, context))
    return "\n".join(parts)


def _sections(name: str, command: object, parent: typer.Context) -> Iterator[str]:
    assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - Typer makes no others
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield f"### {context.command_path.partition(' ')[2]}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, TyperGroup):
        for inner_name, inner in command.commands.items():
            yield from _sections(inner_name, inner, context)


def main() -> int:
    """Print the page; with `--check` say whether the one in docs is the same."""
    if "--check" not in sys.argv:
        print(page(), end="")  # noqa: T201
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/cli.md is not what the commands say: run make manual.", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
