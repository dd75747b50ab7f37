"""A drill of the whole house from the command line: sentences for what is broken, and its figures on the last line."""

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench import record

Drill = Callable[[argparse.Namespace, Path], Coroutine[Any, Any, tuple[dict[str, Any], Sequence[str]]]]
"""What it was told, and an empty directory → its figures, and a sentence for everything that is not as it must be."""


def parser(module: str) -> argparse.ArgumentParser:
    """What each of them can be told; a drill adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="keep the archive there, to look into")
    parser.add_argument("--trial", action="store_true", help="judge nothing by the clock, keep no figures")
    return parser


def run(name: str, drill: Drill, arguments: argparse.Namespace) -> int:
    """Run it, and tell and record what came of it; the exit code."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="drill-") as directory:
        figures, broken = asyncio.run(drill(arguments, arguments.home or Path(directory)))
    for sentence in broken:
        print(sentence)
    record.write(name, figures, keep=not arguments.trial, broken=broken)
    return 1 if broken else 0
