"""Content: the places where it appears, the objects that hold it, and the storage they lie in."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from archive.tables.base import ZERO, Moment, metadata

objects = Table(
    "objects",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the bytes: their address"),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, comment="what the bytes are; as claimed where they do not say"),
    Column("width", Integer, comment="of the bytes, like height and duration; what Civitai says is in results"),
    Column("height", Integer),
    Column("duration", Double, comment="seconds"),
    Column("stored_at", Moment, nullable=False, comment="when the bytes had become durable"),
    Column("verified_at", Moment),
    Column("damaged_at", Moment),
    Column("deleting_at", Moment, comment="no result needed it then; it goes after a time of grace"),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("size >= 0", name="size"),
    Index("ix_objects_deleting_at", "deleting_at", postgresql_where=text("deleting_at IS NOT NULL")),
    comment="One stored content",
)

results = Table(
    "results",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("step", Text, nullable=False),
    Column("path", Text, nullable=False, comment="where in the step it appears"),
    Column("role", Text, nullable=False, comment="result, preview, by-product or bundle"),
    Column("blob_id", Text),
    Column("kind", Text, comment="image, video, audio, …, as Civitai says"),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Double, comment="seconds"),
    Column("nsfw_level", Text),
    Column("url", Text, comment="signed, and soon dead"),
    Column("url_expires_at", Moment),
    Column("blocked_reason", Text),
    Column("object_digest", ForeignKey("objects.digest")),
    Column(
        "attempts",
        Integer,
        nullable=False,
        server_default=ZERO,
        comment="failed tries; from none again when a person makes it due",
    ),
    Column("next_attempt_at", Moment, nullable=False, comment="not before then"),
    Column("last_error", Text),
    Column("missing_at", Moment, comment="Civitai's API answers 404 for the blob since then"),
    Column("stored_at", Moment),
    Column("withheld_at", Moment),
    Column("gone_at", Moment),
    Column("dead_at", Moment),
    Column("pruned_at", Moment, comment="when a rule of retention took its content away; it stays settled as stored"),
    UniqueConstraint("workflow_id", "step", "path"),
    CheckConstraint("num_nonnulls(stored_at, withheld_at, gone_at, dead_at) <= 1", name="settled_once"),
    CheckConstraint(
        "(stored_at IS NOT NULL AND pruned_at IS NULL) = (object_digest IS NOT NULL)", name="stored_means_object"
    ),
    CheckConstraint("pruned_at IS NULL OR stored_at IS NOT NULL", name="pruned_was_stored"),
    Index(
        "ix_results_without_bytes",
        "workflow_id",
        postgresql_where=text("dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL"),
    ),
    Index("ix_results_object_digest", "object_digest", postgresql_where=text("object_digest IS NOT NULL")),
    Index(
        "ix_results_unsettled_blob",
        "blob_id",
        postgresql_where=text("blob_id IS NOT NULL AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0"),
    ),
    Index("ix_results_stored_blob", "blob_id", postgresql_where=text("stored_at IS NOT NULL AND blob_id IS NOT NULL")),
    comment="One place in a workflow where content appears, and how it settled",
)

storage_markers = Table(
    "storage_markers",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("id", Text, nullable=False, comment="as the marker in storage must say"),
    Column("chosen_at", Moment, nullable=False),
    Column("seen_at", Moment, comment="when the marker was first seen there: since then it must be there"),
    CheckConstraint("is_only", name="one_row"),
    comment="The storage that this database belongs to: one row",
)
