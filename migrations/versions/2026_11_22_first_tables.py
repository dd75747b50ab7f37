"""The first tables: events and what they make due, workflows and their results, objects, failed tries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2bdab24b2077"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 over source, parameters and body"),
        sa.Column("scope", sa.Text(), nullable=False, comment="workflow, step or job"),
        sa.Column("step_name", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="as told; only workflow events say",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the name of the secret it came with"),
        sa.Column(
            "parameters",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="the callback URL's query, without the secret",
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="verbatim, but for our secret"),
        sa.Column(
            "projection",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="the body as far as jsonb can hold it",
        ),
        sa.Column("first_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.CheckConstraint("deliveries > 0", name=op.f("ck_events_delivered")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_events_digest_is_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("workflow_id", "digest", name=op.f("uq_events_workflow_id_digest")),
        comment="One event told to us, stored once however often it was delivered",
    )
    op.create_table(
        "objects",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the bytes: their address"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column(
            "stored_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the bytes had become durable",
        ),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("damaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleting_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_objects_digest_is_sha256")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_objects_size")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_objects")),
        comment="One stored content",
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 over source, parameters and body"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="verbatim, but for our secret"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it is no event that we can read"),
        sa.Column("first_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.CheckConstraint("deliveries > 0", name=op.f("ck_quarantine_delivered")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("digest", name=op.f("uq_quarantine_digest")),
        comment="An authenticated delivery that could not be read as an event",
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="how we first heard of it: callback, reconcile, backfill, submit",
        ),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False, comment="when we first heard of it"),
        sa.Column("told_status", sa.Text(), nullable=True, comment="the callbacks' status; a terminal one stays"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True, comment="when told_status occurred, as told"),
        sa.Column("status", sa.Text(), nullable=True, comment="the API's status"),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the document was last saved",
        ),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "document",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="the API's document, without callback secrets",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("nsfw_level", sa.Text(), nullable=True),
        sa.Column("ephemeral", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=True, comment="the event that last made it due"),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when there is something to do; null: nothing is owed",
        ),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True, comment="until then it is its owner's"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="claims so far; the owner's fencing token",
        ),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="failed tries since the last good one",
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False, comment="when Civitai forgets it"),
        sa.Column(
            "archived_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was first whole: terminal and every result settled",
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when Civitai's API said that it is no more",
        ),
        sa.Column(
            "dead_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when we gave up, with the reason in last_error",
        ),
        sa.CheckConstraint("octet_length(id) BETWEEN 1 AND 512", name=op.f("ck_workflows_id_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        comment="One workflow of Civitai's, and what we owe it",
    )
    op.create_index(
        "ix_workflows_due",
        "workflows",
        ["deadline_at", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True, comment="null: the workflow itself was tried"),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False, comment="when the try began"),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("fk_attempts_workflow_id_workflows"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        comment="One failed try at a workflow or at one of its results",
    )
    op.create_index("ix_attempts_workflow_id", "attempts", ["workflow_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("step_name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True, comment="the API's status"),
        sa.Column("told_status", sa.Text(), nullable=True, comment="the callbacks' status; kept for jobs that ended"),
        sa.Column("reason", sa.Text(), nullable=True, comment="told by callbacks alone: no document carries it"),
        sa.Column("blocked_reason", sa.Text(), nullable=True, comment="told by callbacks alone"),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "document",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="as the API's documents describe it",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_jobs_workflow_id_workflows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "id", name=op.f("pk_jobs")),
        comment="One of Civitai's jobs",
    )
    op.create_table(
        "results",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="where in the step it appears"),
        sa.Column("role", sa.Text(), nullable=False, comment="result, preview, by-product or bundle"),
        sa.Column("blob_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True, comment="image, video, audio, …, as Civitai says"),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Double(), nullable=True, comment="seconds"),
        sa.Column("nsfw_level", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True, comment="signed, and soon dead"),
        sa.Column("url_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_reason", sa.Text(), nullable=True),
        sa.Column("object_digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="failed tries so far",
        ),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False, comment="not before then"),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(stored_at IS NULL) = (object_digest IS NULL)", name=op.f("ck_results_stored_means_object")
        ),
        sa.CheckConstraint(
            "num_nonnulls(stored_at, withheld_at, gone_at, dead_at) <= 1",
            name=op.f("ck_results_settled_once"),
        ),
        sa.ForeignKeyConstraint(["object_digest"], ["objects.digest"], name=op.f("fk_results_object_digest_objects")),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("fk_results_workflow_id_workflows"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("workflow_id", "step", "path", name=op.f("uq_results_workflow_id_step_path")),
        comment="One place in a workflow where content appears, and how it settled",
    )
    op.create_index(
        "ix_results_object_digest",
        "results",
        ["object_digest"],
        unique=False,
        postgresql_where=sa.text("object_digest IS NOT NULL"),
    )
    op.create_index(
        "ix_results_stored_blob",
        "results",
        ["blob_id"],
        unique=False,
        postgresql_where=sa.text("stored_at IS NOT NULL AND blob_id IS NOT NULL"),
    )
    op.create_table(
        "steps",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost", sa.Numeric(), nullable=True),
        sa.Column("input", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "output",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="without the blobs, which are rows of results",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_steps_workflow_id_workflows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "name", name=op.f("pk_steps")),
        comment="One step of a workflow, from the API's document",
    )


def downgrade() -> None:
    op.drop_table("steps")
    op.drop_index(
        "ix_results_stored_blob",
        table_name="results",
        postgresql_where=sa.text("stored_at IS NOT NULL AND blob_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_results_object_digest",
        table_name="results",
        postgresql_where=sa.text("object_digest IS NOT NULL"),
    )
    op.drop_table("results")
    op.drop_table("jobs")
    op.drop_index("ix_attempts_workflow_id", table_name="attempts")
    op.drop_table("attempts")
    op.drop_index("ix_workflows_due", table_name="workflows", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("workflows")
    op.drop_table("quarantine")
    op.drop_table("objects")
    op.drop_table("events")
