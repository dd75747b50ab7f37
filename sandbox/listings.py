"""Which workflows a listing finds, and the page of them that is asked for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sandbox import faults, problems, state

_FAILED = state.TERMINAL - {"succeeded"}


@dataclass(frozen=True)
class Wishes:
    """What to find (all `tags`, `text` anywhere in the metadata, creation between two moments), and in which order."""

    take: int
    cursor: str | None = None
    tags: Sequence[str] = ()
    text: str | None = None
    exclude_failed: bool = False
    ascending: bool = False
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """At most `take` workflows, and where the next page begins if there is one, under the name that is to say so."""

    workflows: list[state.Workflow]
    next: str | None = None
    next_name: str = "next"


class Listings:
    """Finds among the workflows that can still be fetched; what is lastingly missing is not there either."""

    def __init__(self, memory: state.State, chance: faults.Chance) -> None:
        self._state, self._chance = memory, chance

    def page(self, wishes: Wishes) -> Page:
        """Newest first unless `ascending`. Raises `Problem` for a cursor that was never given."""
        if self._strikes("list_dates_ignored"):
            wishes = replace(wishes, since=None, until=None)
        found = [workflow for workflow in self._state.kept_workflows() if self._is_found(workflow, wishes)]
        if wishes.cursor:
            found = self._beyond(wishes.cursor, found, ascending=wishes.ascending)
        if not wishes.ascending:
            found.reverse()
        page = found[: wishes.take]
        next_name = "nextCursor" if self._strikes("list_older_cursor") else "next"
        return Page(page, page[-1].id if len(found) > len(page) else None, next_name)

    def _strikes(self, fault: str) -> bool:
        return self._chance.strike((fault,), "lists", {}) is not None

    def _is_found(self, workflow: state.Workflow, wishes: Wishes) -> bool:
        return (
            set(wishes.tags) <= set(workflow.tags)
            and (wishes.text or "").lower() in json.dumps(workflow.metadata, ensure_ascii=False).lower()
            and not (wishes.exclude_failed and workflow.status in _FAILED)
            and wishes.status in (None, workflow.status)
            and (wishes.since is None or wishes.since <= workflow.created_at)
            and (wishes.until is None or workflow.created_at <= wishes.until)
            and not self._chance.lasts(("workflow_404",), workflow.scenario.own_faults)
        )

    def _beyond(self, cursor: str, found: list[state.Workflow], *, ascending: bool) -> list[state.Workflow]:
        """What lies beyond the workflow that the last page ended with, whether or not that is found again."""
        order = {identifier: number for number, identifier in enumerate(self._state.workflows)}
        if cursor not in order:
            raise problems.invalid("cursor", "The sandbox gave no such cursor.")
        return [item for item in found if (order[item.id] > order[cursor]) == ascending and item.id != cursor]
