"""Civitai's listings of workflows, as far as we have walked through them, and what they show of its callbacks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from archive.tables.base import ZERO, Moment, metadata

listings = Table(
    "listings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("purpose", Text, nullable=False, comment="reconcile or backfill"),
    Column("from_date", Moment, comment="of creation; null: from the first workflow on"),
    Column("to_date", Moment, comment="of creation; null: to the last"),
    Column("tags", ARRAY(Text), nullable=False, comment="all of them, sorted"),
    Column("query", Text, comment="text in the metadata"),
    Column(
        "newest_first",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Civitai ignored the dates: listed backwards, until what lies before them",
    ),
    Column("cursor", Text, comment="of the page that comes next; null: the first"),
    Column("pages", Integer, nullable=False, server_default=ZERO, comment="pages taken in; whose page is next"),
    Column("listed", BigInteger, nullable=False, server_default=ZERO, comment="workflows in the range so far"),
    Column("unheard", BigInteger, nullable=False, server_default=ZERO, comment="of these, never heard of before"),
    Column("unfinished", BigInteger, nullable=False, server_default=ZERO, comment="of these, had ended unannounced"),
    Column("first_at", Moment, comment="creation of the first one listed"),
    Column("reached_at", Moment, comment="creation of the last one listed"),
    Column("begun_at", Moment, nullable=False),
    Column("moved_at", Moment, nullable=False, comment="when a page was last taken in"),
    Column("finished_at", Moment),
    CheckConstraint("purpose IN ('reconcile', 'backfill')", name="purpose"),
    Index(
        "uq_listings_reconcile",
        "purpose",
        unique=True,
        postgresql_where=text("purpose = 'reconcile' AND finished_at IS NULL"),
    ),
    Index(
        "uq_listings_backfill",
        "from_date",
        "to_date",
        "tags",
        "query",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("purpose = 'backfill' AND finished_at IS NULL"),
    ),
    comment="One walk through Civitai's workflows, resumable at its cursor",
)

announcements = Table(
    "announcements",
    metadata,
    Column("day", Date, nullable=False, comment="on which the workflows ended (UTC)"),
    Column("source", Text, comment="of the event that told the end, else of the first; null: none ever came"),
    Column("in_time", Integer, nullable=False, comment="the callback of the end came within a minute of it"),
    Column("late", Integer, nullable=False, comment="it came later"),
    Column("lost", Integer, nullable=False, comment="it was registered, and never came"),
    UniqueConstraint("day", "source", postgresql_nulls_not_distinct=True),
    comment="How Civitai delivered the callbacks of a day's ended workflows, by source; each counts once",
)
