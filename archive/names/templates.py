"""Templates for names: `{year}/{prompt}-{workflow}-{index}.{extension}`, read once and then filled in.

Whatever fills the fields, the outcome is a relative path of safe names (`archive.names`) below the directory that it
is meant for, no longer than MAX_LEVELS names of `names.LONGEST` bytes: S3 takes keys of 1024.

No field but `workflow` ever holds a `-` or a `.`, save for the two in a date. So where `{workflow}` stands between
these, slashes and the ends, the name alone says which workflow it belongs to: no two can meet in one
(`identifies_workflow`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from archive import names

FIELDS = {
    "date": "the workflow's day: 2026-11-22 (UTC, as are its parts)",
    "year": "2026",
    "month": "11",
    "day": "22",
    "hour": "08",
    "minute": "59",
    "second": "30",
    "workflow": "its id",
    "step": "the step's name",
    "index": "which result of the step: 001",
    "prompt": "the first words of the prompt",
    "seed": "the seed that was asked for",
    "tag": "the workflow's first tag",
    "kind": "image, video, audio, …, as Civitai says",
    "extension": "what the bytes are: png",
}
"""What may stand in braces, and what it is filled with."""

DEFAULT = "{year}/{month}/{day}/{prompt}-{workflow}-{step}-{index}.{extension}"

MAX_LEVELS = 5

_PIECE = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<text>[^{}]+)|(?P<brace>[{}])")


class TemplateError(ValueError):
    """A template cannot be used; the message says why, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class _Field:
    name: str


_Level = tuple[_Field | str, ...]


@dataclass(frozen=True)
class Template:
    """A template that was understood. `identifies_workflow`: no two workflows have a name in common."""

    text: str
    identifies_workflow: bool
    _levels: tuple[_Level, ...]

    def fill(self, values: Mapping[str, str], *, mark: str = "") -> tuple[str, bool]:
        """The path for these values, one for each of FIELDS; and whether something had to be cut off.

        `mark` is put behind the last name, before its ending.
        """
        filled, was_cut = [], False
        for number, level in enumerate(self._levels, start=1):
            text = "".join(values[piece.name] if isinstance(piece, _Field) else piece for piece in level)
            ending = f"-{mark}" if mark and number == len(self._levels) else ""
            cut = names.cut(text, names.LONGEST - 20 - len(ending))
            was_cut |= cut != text
            filled.append(names.safe(_with_ending(cut, ending)))
        return "/".join(filled), was_cut


def parse(text: str) -> Template:
    """Understand a template. Raises TemplateError."""
    levels = tuple(_level(level) for level in text.split("/"))
    if len(levels) > MAX_LEVELS:
        raise TemplateError(f"has {len(levels)} levels, and we make no more than {MAX_LEVELS}")
    if not any(isinstance(piece, _Field) for level in levels for piece in level):
        raise TemplateError(f"has no field, so that all files would have one name; {_known()}")
    return Template(text, any(_identifies_workflow(level) for level in levels), levels)


def _level(text: str) -> _Level:
    if not text:
        raise TemplateError("begins or ends with a slash, or has two in a row: it is a path below the directory")
    if text.startswith((".", " ", "-")) or text.endswith((".", " ")):
        raise TemplateError(f"has the name {text!r}, which begins or ends as file names must not (. - or a space)")
    return tuple(_piece(found) for found in _PIECE.finditer(text))


def _piece(found: re.Match[str]) -> _Field | str:
    if found["brace"]:
        raise TemplateError(f"has a {found['brace']} without its counterpart; {_known()}")
    if found["text"] is None:
        if found["field"] not in FIELDS:
            raise TemplateError(f"names the field {{{found['field']}}}, which we do not know; {_known()}")
        return _Field(found["field"])
    if refused := [character for character in found["text"] if not names.is_safe(character)]:
        raise TemplateError(f"holds {refused[0]!r}, which not every file system takes in a name")
    return found["text"]


def _identifies_workflow(level: _Level) -> bool:
    if level.count(_Field("workflow")) != 1:
        return False
    position = level.index(_Field("workflow"))
    before, after = level[position - 1] if position else "-", level[position + 1] if level[position + 1 :] else "-"
    return (
        isinstance(before, str)
        and before.endswith(("-", "."))
        and isinstance(after, str)
        and after.startswith(("-", "."))
    )


def _with_ending(name: str, ending: str) -> str:
    if not ending:
        return name
    stem, dot, extension = name.rpartition(".")
    return f"{stem}{ending}.{extension}" if dot else f"{name}{ending}"


def _known() -> str:
    return f"the fields are {', '.join(FIELDS)}"
