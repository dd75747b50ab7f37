"""What is told to us: events, what could not be read as one, and how far the spool files have been replayed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from archive.tables.base import Json, Moment, metadata

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 over source, parameters and body"),
    Column("scope", Text, nullable=False, comment="workflow, step or job"),
    Column("step_name", Text),
    Column("job_id", Text),
    Column("status", Text),
    Column("occurred_at", Moment, comment="as told; only workflow events say"),
    Column("source", Text, nullable=False, comment="the name of the secret it came with"),
    Column("parameters", Json, nullable=False, comment="the callback URL's query, without the secret"),
    Column("body", LargeBinary, nullable=False, comment="verbatim, but for our secret"),
    Column("projection", Json, comment="the body as far as jsonb can hold it; null: the body itself, which it can"),
    Column("segment", Text, comment="the file in storage from which a rebuild has read it"),
    Column("first_received_at", Moment, nullable=False),
    Column("last_received_at", Moment, nullable=False),
    Column("deliveries", Integer, nullable=False),
    UniqueConstraint("workflow_id", "digest"),
    # Rows come in the order of time: ranges of blocks cost next to nothing to keep.
    Index(
        "ix_events_first_received_at",
        "first_received_at",
        postgresql_using="brin",
        postgresql_ops={"first_received_at": "timestamptz_minmax_multi_ops"},
        postgresql_with={"autosummarize": "on"},
    ),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("deliveries > 0", name="delivered"),
    comment="One event told to us, stored once however often it was delivered",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 over source, parameters and body"),
    Column("source", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="verbatim, but for our secret"),
    Column("reason", Text, nullable=False, comment="why it is no event that we can read"),
    Column("segment", Text, comment="the file in storage from which a rebuild has read it"),
    Column("first_received_at", Moment, nullable=False),
    Column("last_received_at", Moment, nullable=False),
    Column("deliveries", Integer, nullable=False),
    UniqueConstraint("digest"),
    CheckConstraint("deliveries > 0", name="delivered"),
    comment="An authenticated delivery that could not be read as an event",
)

spools = Table(
    "spools",
    metadata,
    Column("name", Text, primary_key=True, comment="the file's name, never used twice"),
    Column("position", BigInteger, nullable=False, comment="its first bytes that are in the database"),
    Column("replayed_at", Moment, nullable=False),
    comment="How far a spool file of the receiver has been replayed; a row is gone soon after its file",
)
