"""JSON that is given in a file or, for `-`, on standard input."""

import sys
from pathlib import Path
from typing import Any

from cli import failures
from orchestration import wire
from orchestration.wire import JsonObject


def an_object(source: str) -> JsonObject:
    """The object that it holds. Raises CommandFailed, and OSError where it cannot be read."""
    value = _read(source)
    if not isinstance(value, dict):
        raise _wrong(source, 'it is not an object: {"steps": […]} is one')
    return value


def operations(source: str) -> list[JsonObject]:
    """The JSON Patch that it holds. Raises CommandFailed, and OSError where it cannot be read."""
    value = _read(source)
    if not isinstance(value, list) or not all(isinstance(each, dict) and "op" in each for each in value):
        raise _wrong(
            source, 'it is no list of operations: [{"op": "add", "path": "/metadata/note", "value": "x"}] is one'
        )
    return value


def _read(source: str) -> Any:
    content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        return wire.loads(content)
    except ValueError as error:
        raise _wrong(source, str(error)) from None


def _wrong(source: str, fault: str) -> failures.CommandFailed:
    name = "standard input" if source == "-" else source
    return failures.CommandFailed(f"{name} cannot be taken: {fault}.", exit_code=failures.USAGE)
