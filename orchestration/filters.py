"""What a listing of workflows can be narrowed to, and how Civitai spells it: the consumer's way and the manager's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict


class Filters(TypedDict, total=False):
    """What a listing can be narrowed to.

    tags: all of them. query: text in the metadata. from_date, to_date: of creation (a time without a zone
    is in UTC), which Civitai is said to ignore at times, as it may `status`. ascending: oldest first.
    """

    tags: Sequence[str]
    query: str | None
    ascending: bool
    from_date: datetime | None
    to_date: datetime | None
    exclude_failed: bool
    status: str | None


class ManagerFilters(TypedDict, total=False):
    """What the manager's listing can be narrowed to, which knows neither dates nor a status."""

    tags: Sequence[str]
    query: str | None
    ascending: bool
    exclude_failed: bool


def consumer(filters: Filters) -> dict[str, Any]:
    """The parameters of `/v2/consumer/workflows`; those of None are not sent."""
    return {
        "tags": list(filters.get("tags", ())),
        "query": filters.get("query"),
        "ascending": _flag(filters.get("ascending")),
        "fromDate": _iso(filters.get("from_date")),
        "toDate": _iso(filters.get("to_date")),
        "excludeFailed": _flag(filters.get("exclude_failed")),
        "status": filters.get("status"),
        # Left to its default, a listing shows mature blobs as unavailable.
        "hideMatureContent": "false",
    }


def manager(filters: ManagerFilters) -> dict[str, Any]:
    """The parameters of `/v1/manager/workflows`; those of None are not sent."""
    return {
        "Tags": list(filters.get("tags", ())),
        "Query": filters.get("query"),
        "ExcludeFailed": _flag(filters.get("exclude_failed")),
        "Inverse": _flag(filters.get("ascending")),
    }


def _flag(value: bool | None) -> str | None:
    return "true" if value else None


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")
