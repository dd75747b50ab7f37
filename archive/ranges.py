"""A walk through Civitai's listing of workflows: its range, what it meets, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

Purpose = Literal["reconcile", "backfill"]


@dataclass(frozen=True)
class Range:
    """Which workflows: created from and to then (None: no bound), with all of these tags, with this metadata."""

    from_date: datetime | None = None
    to_date: datetime | None = None
    tags: Sequence[str] = ()
    query: str | None = None

    def holds(self, created_at: datetime | None) -> bool:
        """Whether something created then is between the dates; what does not say when it was, is."""
        return created_at is None or not (self.is_before(created_at) or self.is_after(created_at))

    def is_before(self, moment: datetime) -> bool:
        """Whether this is before the range begins."""
        return self.from_date is not None and moment < self.from_date

    def is_after(self, moment: datetime) -> bool:
        """Whether this is after the range ends."""
        return self.to_date is not None and moment > self.to_date


@dataclass(frozen=True)
class Listed:
    """A workflow as a listing tells it."""

    id: str
    created_at: datetime | None
    completed_at: datetime | None
    has_ended: bool


@dataclass(frozen=True)
class Listing:
    """How far a walk has come. `pages` is the number of the page whose turn it is; see the table for the rest."""

    id: int
    purpose: Purpose
    from_date: datetime | None
    to_date: datetime | None
    tags: Sequence[str]
    query: str | None
    newest_first: bool
    cursor: str | None
    pages: int
    listed: int
    unheard: int
    unfinished: int
    first_at: datetime | None
    reached_at: datetime | None
    begun_at: datetime
    finished_at: datetime | None

    @property
    def range(self) -> Range:
        """What it lists."""
        return Range(self.from_date, self.to_date, self.tags, self.query)

    def moved(self, page: Sequence[Listed], *, unheard: int, unfinished: int, cursor: str | None) -> "Listing":
        """How far it has come with this page, which was followed by one at `cursor`, or was the last."""
        created = [one.created_at for one in page if one.created_at is not None]
        return replace(
            self,
            cursor=cursor,
            pages=self.pages + 1,
            listed=self.listed + len({one.id for one in page}),
            unheard=self.unheard + unheard,
            unfinished=self.unfinished + unfinished,
            first_at=self.first_at or (created[0] if created else None),
            reached_at=created[-1] if created else self.reached_at,
            finished_at=datetime.now(UTC) if cursor is None else None,
        )

    def turned_round(self) -> "Listing":
        """The same begun anew, newest first."""
        return replace(
            self, newest_first=True, cursor=None, pages=self.pages + 1, listed=0, first_at=None, reached_at=None
        )


def unwritten(wanted: Range, *, begun_at: datetime) -> Listing:
    """A backfill of this range that no row keeps: for counting."""
    return Listing(
        id=0,
        purpose="backfill",
        from_date=wanted.from_date,
        to_date=wanted.to_date,
        tags=wanted.tags,
        query=wanted.query,
        newest_first=False,
        cursor=None,
        pages=0,
        listed=0,
        unheard=0,
        unfinished=0,
        first_at=None,
        reached_at=None,
        begun_at=begun_at,
        finished_at=None,
    )
