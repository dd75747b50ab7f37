"""The rows, as SQLAlchemy knows them. What each table is stands in its comment, which PostgreSQL keeps too.

State is a timestamp that is set or not: there is no status column of ours that could disagree with it. The columns
of `workflows`, `steps` and `jobs` fall into three hands that never write each other's: what the API said (`status`
and the document's facts), what callbacks told (`told_…`, a job's reasons), and our own obligation (`due_at` and its
neighbours).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Moment = DateTime(timezone=True)
Json = JSONB(none_as_null=True)
ZERO = text("0")

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
    Column("projection", Json, nullable=False, comment="the body as far as jsonb can hold it"),
    Column("first_received_at", Moment, nullable=False),
    Column("last_received_at", Moment, nullable=False),
    Column("deliveries", Integer, nullable=False),
    UniqueConstraint("workflow_id", "digest"),
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
    Column("first_received_at", Moment, nullable=False),
    Column("last_received_at", Moment, nullable=False),
    Column("deliveries", Integer, nullable=False),
    UniqueConstraint("digest"),
    CheckConstraint("deliveries > 0", name="delivered"),
    comment="An authenticated delivery that could not be read as an event",
)

workflows = Table(
    "workflows",
    metadata,
    Column("id", Text, primary_key=True),
    Column("origin", Text, nullable=False, comment="how we first heard of it: callback, reconcile, backfill, submit"),
    Column("heard_at", Moment, nullable=False, comment="when we first heard of it"),
    Column("told_status", Text, comment="the callbacks' status; a terminal one stays"),
    Column("told_at", Moment, comment="when told_status occurred, as told"),
    Column("status", Text, comment="the API's status"),
    Column("fetched_at", Moment, comment="when the document was last saved"),
    Column("tags", ARRAY(Text)),
    Column("metadata", Json),
    Column("document", Json, comment="the API's document, without callback secrets"),
    Column("created_at", Moment),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("cost", Numeric),
    Column("currency", Text),
    Column("nsfw_level", Text),
    Column("ephemeral", Boolean, nullable=False, server_default=text("false")),
    Column("last_event_id", BigInteger, comment="the event that last made it due"),
    Column("due_at", Moment, comment="when there is something to do; null: nothing is owed"),
    Column("leased_until", Moment, comment="until then it is its owner's"),
    Column(
        "attempts", Integer, nullable=False, server_default=ZERO, comment="claims so far; the owner's fencing token"
    ),
    Column("failures", Integer, nullable=False, server_default=ZERO, comment="failed tries since the last good one"),
    Column("last_error", Text),
    Column("deadline_at", Moment, nullable=False, comment="when Civitai forgets it"),
    Column("archived_at", Moment, comment="when it was first whole: terminal and every result settled"),
    Column(
        "document_told",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the document is what callbacks told: an ephemeral workflow's",
    ),
    Column("missing_at", Moment, comment="Civitai's API answers 404 since then"),
    Column("gone_at", Moment, comment="when Civitai's API had the last word: it is no more"),
    Column("dead_at", Moment, comment="when we gave up, with the reason in last_error"),
    CheckConstraint("octet_length(id) BETWEEN 1 AND 512", name="id_length"),
    Index("ix_workflows_due", "deadline_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    comment="One workflow of Civitai's, and what we owe it",
)

steps = Table(
    "steps",
    metadata,
    Column("workflow_id", ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("type", Text),
    Column("engine", Text),
    Column("status", Text),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("cost", Numeric),
    Column("input", Json),
    Column("output", Json, comment="without the blobs, which are rows of results"),
    comment="One step of a workflow, from the API's document",
)

jobs = Table(
    "jobs",
    metadata,
    Column("workflow_id", ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("step_name", Text),
    Column("status", Text, comment="the API's status"),
    Column("told_status", Text, comment="the callbacks' status; kept for jobs that ended"),
    Column("reason", Text, comment="told by callbacks alone: no document carries it"),
    Column("blocked_reason", Text, comment="told by callbacks alone"),
    Column("provider", Text),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("document", Json, comment="the v1 document: last event, provider, scan context"),
    Column("document_at", Moment, comment="when that was fetched"),
    Column("refused_at", Moment, comment="when the API refused it to our token"),
    comment="One of Civitai's jobs",
)

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
    Column("deleting_at", Moment),
    CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("size >= 0", name="size"),
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
    Column("attempts", Integer, nullable=False, server_default=ZERO, comment="failed tries so far"),
    Column("next_attempt_at", Moment, nullable=False, comment="not before then"),
    Column("last_error", Text),
    Column("missing_at", Moment, comment="Civitai's API answers 404 for the blob since then"),
    Column("stored_at", Moment),
    Column("withheld_at", Moment),
    Column("gone_at", Moment),
    Column("dead_at", Moment),
    UniqueConstraint("workflow_id", "step", "path"),
    CheckConstraint("num_nonnulls(stored_at, withheld_at, gone_at, dead_at) <= 1", name="settled_once"),
    CheckConstraint("(stored_at IS NULL) = (object_digest IS NULL)", name="stored_means_object"),
    Index("ix_results_object_digest", "object_digest", postgresql_where=text("object_digest IS NOT NULL")),
    Index(
        "ix_results_unsettled_blob",
        "blob_id",
        postgresql_where=text("blob_id IS NOT NULL AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0"),
    ),
    Index("ix_results_stored_blob", "blob_id", postgresql_where=text("stored_at IS NOT NULL AND blob_id IS NOT NULL")),
    comment="One place in a workflow where content appears, and how it settled",
)

drift = Table(
    "drift",
    metadata,
    Column("workflow_id", ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("step_type", Text),
    Column("reason", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
    comment="Something in a document that might be content and cannot be read as such",
)

pauses = Table(
    "pauses",
    metadata,
    Column("cause", Text, primary_key=True, comment="rate, credentials, or jobs (their documents alone)"),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    comment="A time in which nobody calls Civitai's API; it holds until it has passed",
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("step", Text, comment="null: the workflow itself was tried"),
    Column("path", Text),
    Column("attempted_at", Moment, nullable=False, comment="when the try began"),
    Column("seconds", Double, nullable=False),
    Column("http_status", Integer),
    Column("error", Text, nullable=False),
    ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
    Index("ix_attempts_workflow_id", "workflow_id"),
    comment="One failed try at a workflow or at one of its results",
)

spools = Table(
    "spools",
    metadata,
    Column("name", Text, primary_key=True, comment="the file's name, never used twice"),
    Column("position", BigInteger, nullable=False, comment="its first bytes that are in the database"),
    Column("replayed_at", Moment, nullable=False),
    comment="How far a spool file of the receiver has been replayed; a row is gone soon after its file",
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
