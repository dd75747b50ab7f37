"""What is counted by the hour, so that dashboards need not count millions of rows: see `archive.hours`."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Identity, Index, Numeric, Table, Text

from archive.tables.base import Moment, metadata


def _hour() -> Column[object]:
    return Column("hour", ForeignKey("hours.hour", ondelete="CASCADE"), nullable=False)


hours = Table(
    "hours",
    metadata,
    Column("hour", Moment, primary_key=True, comment="its beginning, UTC"),
    Column("counted_at", Moment, comment="when what happened in it was last counted"),
    comment="An hour of the archive's history",
)

recounts = Table(
    "recounts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("hour", Moment, nullable=False),
    Index("ix_recounts_hour", "hour"),
    comment="An hour of which something has changed: it is counted again; several rows say no more than one",
)

callback_hours = Table(
    "callback_hours",
    metadata,
    _hour(),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False, comment="events that are the first body of their fact"),
    Column("deliveries", BigInteger, nullable=False),
    Column("p50_latency_seconds", Double),
    Column("p95_latency_seconds", Double),
    Column("max_latency_seconds", Double),
    Column("last_received_at", Moment, nullable=False),
    Index("ix_callback_hours_hour", "hour"),
    comment="Events by the hour in which they were first received",
)

archived_hours = Table(
    "archived_hours",
    metadata,
    _hour(),
    Column("workflows", BigInteger, nullable=False),
    Column("p50_seconds", Double, nullable=False),
    Column("p95_seconds", Double, nullable=False),
    Column("p99_seconds", Double, nullable=False),
    Column("max_seconds", Double, nullable=False),
    Index("ix_archived_hours_hour", "hour"),
    comment="Workflows by the hour in which they were archived, and how long after the callback of their end",
)

stored_hours = Table(
    "stored_hours",
    metadata,
    _hour(),
    Column("step_type", Text),
    Column("engine", Text),
    Column("workflows", BigInteger, nullable=False),
    Column("results", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index("ix_stored_hours_hour", "hour"),
    comment="Results by the hour in which they were stored, step type and engine",
)

stored_tag_hours = Table(
    "stored_tag_hours",
    metadata,
    _hour(),
    Column("tag", Text),
    Column("workflows", BigInteger, nullable=False),
    Column("results", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index("ix_stored_tag_hours_hour", "hour"),
    comment="Results by the hour in which they were stored and tag",
)

storage_hours = Table(
    "storage_hours",
    metadata,
    _hour(),
    Column("kind", Text),
    Column("nsfw_level", Text),
    Column("results", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("new_objects", BigInteger, nullable=False, comment="contents whose first result these are"),
    Column("new_bytes", BigInteger, nullable=False),
    Index("ix_storage_hours_hour", "hour"),
    comment="Results by the hour in which they were stored, kind and nsfw level",
)

spent_hours = Table(
    "spent_hours",
    metadata,
    _hour(),
    Column("step_type", Text),
    Column("engine", Text),
    Column("currency", Text),
    Column("steps", BigInteger, nullable=False),
    Column("cost", Numeric),
    Index("ix_spent_hours_hour", "hour"),
    comment="Steps by the hour of their workflow's submission, and what they cost",
)

spent_tag_hours = Table(
    "spent_tag_hours",
    metadata,
    _hour(),
    Column("tag", Text),
    Column("currency", Text),
    Column("workflows", BigInteger, nullable=False),
    Column("cost", Numeric),
    Index("ix_spent_tag_hours_hour", "hour"),
    comment="Workflows by the hour of submission and tag, and what they cost",
)
