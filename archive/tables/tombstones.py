"""What was deleted: one row for each thing, never deleted itself."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Table, Text, Uuid, text

from archive.tables.base import Moment, metadata

tombstones = Table(
    "tombstones",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("deleted_at", Moment, nullable=False),
    Column("rule", Text, nullable=False, comment="the name of the rule of retention that asked for it"),
    Column("what", Text, nullable=False, comment="result (its content), object (the bytes), event or quarantine"),
    Column("workflow_id", Text),
    Column("step", Text, comment="of a result, like path"),
    Column("path", Text),
    Column("digest", LargeBinary, comment="SHA-256 of the content, or what was unique of the event or delivery"),
    Column("size", BigInteger, comment="bytes of the content or of the body"),
    Column("media_type", Text),
    Column("written_at", Moment, comment="when it had become durable in storage too, for a rebuild to find"),
    Column("aside_at", Moment, comment="of an object: when its bytes had been moved aside in storage"),
    Column("removed_at", Moment, comment="when its bytes had left storage, or were needed after all"),
    Column("segment", Text, comment="of what was told: the file in storage that holds it until removed_at"),
    CheckConstraint("what IN ('result', 'object', 'event', 'quarantine')", name="what"),
    Index("ix_tombstones_digest", "digest"),
    Index("ix_tombstones_workflow_id", "workflow_id", postgresql_where=text("workflow_id IS NOT NULL")),
    Index("ix_tombstones_unwritten", "deleted_at", postgresql_where=text("written_at IS NULL")),
    Index("ix_tombstones_unremoved", "deleted_at", postgresql_where=text("what = 'object' AND removed_at IS NULL")),
    Index("ix_tombstones_segment", "segment", postgresql_where=text("segment IS NOT NULL")),
    comment="Something that a rule of retention, or a person, has deleted",
)
