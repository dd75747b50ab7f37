"""Civitai's nouns, and what we owe them.

The columns of `workflows`, `steps` and `jobs` fall into three hands that never write each other's: what the API said
(`status` and the document's facts), what callbacks told (`told_…`, a job's reasons), and our own obligation (`due_at`
and its neighbours).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from archive.tables.base import ZERO, Json, Moment, metadata

BACKFILLED = "(origin = 'backfill' AND last_event_id IS NULL)"
"""What a person asked for and nothing has happened to since: it never stands in front of anything live."""

workflows = Table(
    "workflows",
    metadata,
    Column("id", Text, primary_key=True),
    Column("origin", Text, nullable=False, comment="how we first heard of it: callback, reconcile, backfill, submit"),
    Column("heard_at", Moment, nullable=False, comment="when we first heard of it"),
    Column("told_status", Text, comment="the callbacks' status; a terminal one stays"),
    Column("told_at", Moment, comment="when told_status occurred, as told"),
    Column("end_received_at", Moment, comment="when the first callback came that told its end"),
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
    Column("counted_at", Moment, comment="when its callbacks were counted in announcements, or found not to be ours"),
    CheckConstraint("octet_length(id) BETWEEN 1 AND 512", name="id_length"),
    Index("ix_workflows_due", text(BACKFILLED), "deadline_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_workflows_submitted", text("coalesce(created_at, heard_at)"), "id"),
    Index(
        "ix_workflows_failed",
        text("coalesce(created_at, heard_at)"),
        postgresql_where=text("lower(status) IN ('failed', 'expired', 'canceled')"),
    ),
    Index("ix_workflows_tags", "tags", postgresql_using="gin"),
    Index("ix_workflows_given_up", "id", postgresql_where=text("dead_at IS NOT NULL OR gone_at IS NOT NULL")),
    Index("ix_workflows_archived_at", "archived_at", postgresql_where=text("archived_at IS NOT NULL")),
    Index(
        "ix_workflows_uncounted",
        "completed_at",
        postgresql_where=text("counted_at IS NULL AND completed_at IS NOT NULL"),
    ),
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
    Index("ix_jobs_id", "id"),
    Index(
        "ix_jobs_failed",
        text("date_bin('1 day', completed_at, '2000-01-01 00:00:00+00')"),
        postgresql_where=text("lower(coalesce(told_status, status)) IN ('failed', 'expired', 'canceled')"),
    ),
    comment="One of Civitai's jobs",
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
