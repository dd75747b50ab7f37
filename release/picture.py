"""The README's picture: what `civitai-archive demo` leaves on the screen, as an SVG, to standard output."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 104
DEMO_SECONDS = 120
PROMPT = "$ make demo\n"
SHOWN_HOME = "~/civitai-archive/.archive"

_ERASES_THE_LINE_ABOVE = "\x1b[1A\x1b[2K"
_FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_WHAT_TO_ASK = "To ask the database"


def main() -> None:
    """Run the demo and print its picture."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "ARCHIVE_HOME": home}
        command = [str(Path(sys.executable).with_name("civitai-archive")), "demo"]
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=DEMO_SECONDS
        )
        shown = PROMPT + last_screen(done.stdout).replace(home, SHOWN_HOME)
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(shown))
        drawn = console.export_svg(title="civitai-archive demo", unique_id="demo")
        print(_FONT_FROM_ELSEWHERE.sub("", drawn))  # noqa: T201


def last_screen(written: str) -> str:
    """What is left of a table that was drawn over itself again and again, what stands before it, and below it
    up to the lines that name places on this machine."""
    before, drawn, rest = written.partition("\x1b[?25l")
    if not drawn:
        return written
    last = rest.rpartition(_ERASES_THE_LINE_ABOVE)[2].replace("\x1b[?25h", "")
    return before + last.partition(_WHAT_TO_ASK)[0]


if __name__ == "__main__":
    main()
