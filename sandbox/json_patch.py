"""JSON Patch (RFC 6902): a document, changed operation by operation."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class PatchError(ValueError):
    """The patch cannot be read, or does not fit the document; the message says which operation and why."""


def apply(document: Any, operations: object) -> Any:
    """The document as all of the operations leave it; the given one stays as it is. Raises PatchError."""
    if not isinstance(operations, list):
        raise PatchError("A JSON Patch is a list of operations.")
    changed = copy.deepcopy(document)
    for number, operation in enumerate(operations):
        try:
            changed = _apply_one(changed, operation)
        except PatchError as error:
            raise PatchError(f"Operation {number}: {error}") from None
    return changed


def _apply_one(document: Any, operation: object) -> Any:
    if not isinstance(operation, dict):
        raise PatchError("it is no JSON object.")
    name = operation.get("op")
    perform = _OPERATIONS.get(name) if isinstance(name, str) else None
    if perform is None:
        raise PatchError(f"op must be one of {', '.join(_OPERATIONS)}.")
    return perform(document, operation)


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _put(document, _path(operation, "path"), _value(operation), is_new=True)


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    return _without(document, _path(operation, "path"))


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    path = _path(operation, "path")
    _at(document, path)
    return _put(document, path, _value(operation), is_new=False)


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    source, path = _path(operation, "from"), _path(operation, "path")
    if path[: len(source)] == source and path != source:
        raise PatchError("nothing can be moved into itself.")
    value = _at(document, source)
    return _put(_without(document, source), path, value, is_new=True)


def _copy(document: Any, operation: Mapping[str, Any]) -> Any:
    value = copy.deepcopy(_at(document, _path(operation, "from")))
    return _put(document, _path(operation, "path"), value, is_new=True)


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    if not _is_same(_at(document, _path(operation, "path")), _value(operation)):
        raise PatchError("the test failed.")
    return document


_OPERATIONS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test,
}  # fmt: skip


def _path(operation: Mapping[str, Any], key: str) -> list[str]:
    pointer = operation.get(key)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchError(f"{key} must be a JSON Pointer such as /metadata/note.")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchError("it needs a value.")
    return copy.deepcopy(operation["value"])


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        match document:
            case dict() if part in document:
                document = document[part]
            case list() if _INDEX.fullmatch(part) and int(part) < len(document):
                document = document[int(part)]
            case _:
                raise PatchError("there is nothing at that path.")
    return document


def _put(document: Any, path: list[str], value: Any, *, is_new: bool) -> Any:
    """Put `value` at the path, in place of what is there, or in a list before it if it `is_new`."""
    if not path:
        return value
    match _at(document, path[:-1]), path[-1]:
        case dict() as parent, name:
            parent[name] = value
        case list() as parent, "-" if is_new:
            parent.append(value)
        case list() as parent, index if _INDEX.fullmatch(index) and int(index) < len(parent) + is_new:
            parent[int(index) : int(index) + (not is_new)] = [value]
        case _:
            raise PatchError("nothing can be put at that path.")
    return document


def _without(document: Any, path: list[str]) -> Any:
    _at(document, path)
    if not path:
        return None
    parent = _at(document, path[:-1])
    del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]
    return document


def _is_same(one: Any, other: Any) -> bool:
    """Equal as JSON is: true is not 1, while 1 and 1.0 are the same number."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
