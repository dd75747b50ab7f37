"""The names for people of a workflow's files: what a template's fields are filled with, and that no two are the same.

A pure function of one workflow: its document, its results and the template. Whoever names it again, in whatever
order, after whatever else, gets the same names.

- Results of one workflow whose names would be the same each get a token of their step and path.
- Where a template does not say which workflow a file belongs to (`{tag}/{prompt}.png`), every name gets a token of
  the workflow, step and path: which other workflow will ask for it some day, nobody knows.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from archive import names, results
from archive.names.templates import Template
from orchestration import documents
from orchestration.wire import JsonObject

_PARTS_OF_A_DATE = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
LONGEST = {"workflow": 100, "step": 40, "prompt": 60, "tag": 40, "kind": 20, "seed": 24}
"""Bytes that a field may take at most."""

_LEVELS, _VALUES = 6, 500  # how deep and how far a prompt is looked for in a step's input
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class File:
    """A stored result under its name. `digest` is in hex, `size` in bytes, `made_at` the workflow's creation."""

    name: str
    digest: str
    size: int
    made_at: datetime


@dataclass(frozen=True)
class _Named:
    result: results.Kept
    values: Mapping[str, str]
    was_cut: bool
    file: File


def files(
    template: Template, workflow_id: str, heard_at: datetime, document: JsonObject, kept: Sequence[results.Kept]
) -> list[File]:
    """The stored ones of a workflow's results, named. `heard_at` counts where the document has no date.

    `kept` holds all results of the workflow: those that are not stored count in the numbering.
    """
    workflow = documents.read(document)
    made_at = (workflow.created_at or heard_at).astimezone(UTC)
    of_workflow = {
        "date": f"{made_at:%Y-%m-%d}",
        **{field: made_at.strftime(code) for field, code in _PARTS_OF_A_DATE.items()},
        "workflow": names.distinct(workflow_id, at_most=LONGEST["workflow"]),
        "tag": _first_slug("tag", workflow.tags),
    }
    asked = {step.name: step.input for step in workflow.steps}
    of_steps = {step: _of_step(step, asked) for step in {result.step for result in kept}}
    numbers = _numbers(kept)
    named = []
    for result in kept:
        if result.digest is None or result.size is None:
            continue
        values = {
            **of_workflow,
            **of_steps[result.step],
            "index": f"{numbers[result.step, result.path]:03}",
            "kind": names.slug(result.kind or "", at_most=LONGEST["kind"]) or "file",
            "extension": names.extension(result.media_type),
        }
        name, was_cut = template.fill(values)
        named.append(_Named(result, values, was_cut, File(name, result.digest, result.size, made_at)))
    return list(_told_apart(template, workflow_id, named))


def _of_step(step: str, asked: Mapping[str, Any]) -> Mapping[str, str]:
    """What all results of a step have in common; `asked` holds the inputs of all steps."""
    inputs = [asked.get(step), *asked.values()]
    return {
        "step": names.slug(step, at_most=LONGEST["step"]) or "step",
        "prompt": _first_slug("prompt", _told(inputs, "prompt")),
        "seed": _first_slug("seed", _told(inputs, "seed")),
    }


def _told_apart(template: Template, workflow_id: str, named: Sequence[_Named]) -> Iterator[File]:
    # Two names that differ in case alone are one on Windows and macOS.
    uses = Counter(each.file.name.casefold() for each in named)
    for each in named:
        if template.identifies_workflow and not each.was_cut and uses[each.file.name.casefold()] == 1:
            yield each.file
        else:
            mark = names.token(workflow_id, each.result.step, each.result.path)
            yield replace(each.file, name=template.fill(each.values, mark=mark)[0])


def _numbers(kept: Iterable[results.Kept]) -> dict[tuple[str, str], int]:
    """Each result's number within its step, from 1, in the order of their paths: `images[2]` before `images[10]`."""
    numbers: dict[tuple[str, str], int] = {}
    in_step: Counter[str] = Counter()
    for step, path in sorted(((result.step, result.path) for result in kept), key=lambda place: _natural(place[1])):
        in_step[step] += 1
        numbers[step, path] = in_step[step]
    return numbers


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in _DIGITS.split(path)]


def _first_slug(field: str, told: Iterable[str]) -> str:
    slugs = (names.slug(text, at_most=LONGEST[field]) for text in told)
    return next((slug for slug in slugs if slug), f"no_{field}")


def _told(inputs: Iterable[Any], key: str) -> Iterator[str]:
    """What steps were given under this key, in the first input that has it, the topmost first."""
    for value in inputs:
        level, looked_at = [value], 0
        for _ in range(_LEVELS):
            below: list[Any] = []
            for each in level[: _VALUES - looked_at]:
                looked_at += 1
                if isinstance(each, dict):
                    found = each.get(key)
                    if isinstance(found, str | int) and not isinstance(found, bool):
                        yield str(found)[:1000]
                    # Sorted, since jsonb keeps no order of keys.
                    below += [each[name] for name in sorted(each)]
                elif isinstance(each, list):
                    below += each
            level = [each for each in below if isinstance(each, dict | list)]
