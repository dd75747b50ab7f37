"""How `civitai-archive --help` lists the commands: under titles, each with its first sentence whole."""

from itertools import groupby
from typing import Any

from typer.core import TyperGroup

_WHOLE = 1000  # characters; a first sentence is never cut, it is folded


class Titled(TyperGroup):
    """A group that lists its commands under the titles (`rich_help_panel`) that they carry."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each title with its commands, in the order in which they were added."""
        del ctx
        for title, commands in groupby(self.commands.items(), key=_title):
            lines = [(name, command.get_short_help_str(_WHOLE)) for name, command in commands if not command.hidden]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


def _title(named: tuple[str, Any]) -> str:
    return getattr(named[1], "rich_help_panel", None) or "Commands"
