"""The command line's table of contents: its groups, and what happens to what goes wrong.

What commands there are, with their options and help, is said in `cli.groups`, a file a subject.
"""

import io
import os
import sys

import typer

from cli import titles
from cli.groups import asking, changing, keeping, services, setup

GROUPS = {
    "Ask": asking.app,
    "Change": changing.app,
    "Run": services.app,
    "Keep": keeping.app,
    "Set up": setup.app,
}
"""Title → commands, in the order in which `--help` lists them."""

# Without rich's boxes help appears at once, and reads the same in a pipe.
app = typer.Typer(
    name="civitai-archive",
    cls=titles.Titled,
    context_settings={"max_content_width": 120},
    help="Keeps what Civitai's orchestrator delivers: events in PostgreSQL, results on your own storage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for title, group in GROUPS.items():
    for command in group.registered_commands:
        command.rich_help_panel = title
    for commands in group.registered_groups:
        commands.rich_help_panel = title
    app.add_typer(group)


def main() -> None:
    """Run the command that was asked for; what goes wrong ends in one sentence and an exit code that means something.

    0 done, 1 it failed, 2 usage, 3 credentials, 4 not found.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a prompt in letters that the terminal lacks is no failure
    try:
        try:
            app(standalone_mode=True)
        finally:
            sys.stdout.flush()  # here, where a pipe that was closed early can still be taken calmly
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from cli import failures, tables

        failure = failures.explain(error)
        if failure is None:
            raise
        told = "\n".join(map(tables.printable, failure.sentence.splitlines()))
        typer.echo(f"civitai-archive: {told}", err=True)
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main()
