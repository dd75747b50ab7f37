"""Civitai's listing as a test wants it: with what it honours of a query, and with how it spells its cursor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.datastructures import QueryParams

from orchestration.wire import JsonObject
from tests.worker.civitai import document

NOW = datetime.now(UTC)


@dataclass
class Listing:
    """Documents in pages, oldest first or newest first as asked. `asked` are the queries that came, in order."""

    documents: Sequence[JsonObject]
    spelling: str = "next"
    honours_dates: bool = True
    honours_order: bool = True
    asked: list[QueryParams] = field(default_factory=list)

    def __call__(self, query: QueryParams) -> JsonObject | int:
        self.asked.append(query)
        found = list(self.documents)
        if self.honours_dates:
            since, until = query.get("fromDate", ""), query.get("toDate", "9999")
            found = [one for one in found if since <= one["createdAt"].replace("+00:00", "Z") <= until]
        if not (query.get("ascending") == "true" and self.honours_order):
            found.reverse()
        begin, take = int(query.get("cursor", 0)), int(query["take"])
        page = {"items": found[begin : begin + take]}
        return page | ({self.spelling: str(begin + take)} if begin + take < len(found) else {self.spelling: ""})


def workflows(count: int, *, days: float = 0.1, status: str = "succeeded") -> list[JsonObject]:
    """So many workflows, evenly over the last so many days, oldest first: `w000`, `w001`, …"""
    return [
        document(f"w{number:03}", status=status, days_ago=days * (count - number) / count) for number in range(count)
    ]


def ago(**length: float) -> datetime:
    """A moment in the past."""
    return NOW - timedelta(**length)
