"""Segments: how far what was told has been written to storage."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, text

from archive.tables.base import Moment, metadata

segments = Table(
    "segments",
    metadata,
    Column("told", Text, primary_key=True, comment="events or quarantine: of which table these are rows"),
    Column("after_id", BigInteger, primary_key=True, comment="its rows have greater ids than this"),
    Column("up_to_id", BigInteger, nullable=False, comment="and this one or smaller"),
    Column("name", Text, nullable=False, comment="in storage"),
    Column("begun_at", Moment, nullable=False),
    Column("written_at", Moment, comment="when it had become durable: nobody writes it again"),
    CheckConstraint("told IN ('events', 'quarantine')", name="told"),
    CheckConstraint("after_id < up_to_id", name="not_empty"),
    Index("ix_segments_unwritten", "begun_at", postgresql_where=text("written_at IS NULL")),
    comment="A run of rows of events or quarantine that lies in storage as one file",
)

rebuilt_files = Table(
    "rebuilt_files",
    metadata,
    Column("name", Text, primary_key=True, comment="in storage"),
    Column("read_at", Moment, nullable=False),
    comment="A file that the rebuild under way has taken in; none when no rebuild is",
)
